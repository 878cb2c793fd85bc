"""Write docs/findings.md from its template; every number of it comes from results/accepted (`./task findings`)."""

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from bayes_ivig.accepted import load_accepted
from bayes_ivig.effects import to_natural
from bayes_ivig.priors import parse_prior
from bayes_ivig.reviews import load_review
from bayes_ivig.sensitivity.prior_sets import short_text
from bayes_ivig.wording import interval, number, percent, probability, with_interval

HERE = Path(__file__).parent
TEMPLATE, PAPER = HERE / "findings.template.md", HERE / "findings.md"
ACCEPTED = HERE.parent / "results" / "accepted"
WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


class Results:
    """The accepted results below a folder, as the template asks for them. What is not there is an error."""

    def __init__(self, root: Path) -> None:
        """Read every file."""
        self._folders = load_accepted(root)

    def _json(self, folder: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._folders[folder][name])
        return found

    def _rows(self, folder: str, name: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self._folders[folder][name])))

    def fit(self, review: str, outcome: str, model: str) -> dict[str, Any]:
        """One fit, with its trials as studies.csv has them."""
        folder = f"{review}/{outcome}/{model}"
        return self._json(folder, "fit.json") | {"trials": self._rows(folder, "studies.csv"), "folder": folder}

    def sensitivity(self, review: str, outcome: str, model: str) -> dict[str, Any]:
        """One sensitivity analysis, with the prior grid at the baseline prior of the model."""
        folder = f"{review}/{outcome}/sensitivity-{model}"
        rows = self._rows(folder, "prior-grid.csv")
        return self._json(folder, "sensitivity.json") | {"grid": rows, "folder": folder}

    def plan(self, review: str, outcome: str, name: str) -> dict[str, Any]:
        """One plan; `simulated` holds mean and Monte-Carlo error of each simulated quantity by its name."""
        folder = f"{review}/{outcome}/plan-{name}"
        rows = self._rows(folder, "summary.csv")
        simulated = {row["quantity"]: (float(row["mean"]), float(row["mcse_mean"])) for row in rows}
        return self._json(folder, "plan.json") | {"simulated": simulated}

    def audit(self, review: str) -> dict[str, Any]:
        """One audit."""
        return self._json(f"{review}/audit", "audit.json")


def row(rows: Iterable[Mapping[str, Any]], **wanted: Any) -> Mapping[str, Any]:
    """Return the only row that has these values."""
    (found,) = (one for one in rows if all(one[key] == value for key, value in wanted.items()))
    return found


def published(audit: Mapping[str, Any], id_: str) -> Mapping[str, Any]:
    """Return one published result of an audit."""
    return row((one for outcome in audit["outcomes"] for one in outcome["published"]), id=id_)


def finding(audit: Mapping[str, Any], id_: str, check: str, word: str = "") -> Mapping[str, Any]:
    """Return the only finding of one check about one published result, `word` being in what was seen."""
    every = [one for outcome in audit["outcomes"] for one in outcome["findings"]] + audit["findings_across_outcomes"]
    return row((one for one in every if id_ in one["about"] and word in one["seen"]), check=check)


def sources(*reviews: str) -> list[Mapping[str, str]]:
    """Every source of these reviews once, by its citation."""
    found = {one["citation"]: one for name in reviews for one in load_review(name).sources.values()}
    return [found[citation] for citation in sorted(found)]


def ratio(summary: Mapping[str, Any]) -> str:
    """Median and interval of a log ratio on the natural scale."""
    low, high = (float(to_natural("OR", limit)) for limit in summary["ci"])
    return with_interval(float(to_natural("OR", summary["median"])), (low, high))


def patients(x: float) -> str:
    """A number of patients of 100, without decimals."""
    return "fewer than 1" if 0 < x < 0.5 else f"{x:.0f}"


def per_100(effect: Mapping[str, Any]) -> str:
    """Median and interval of a number of patients of 100."""
    return f"{patients(effect['median'])} ({' to '.join(map(patients, effect['ci']))})"


def word(n: float) -> str:
    """A whole number as prose has it: a word up to twelve."""
    if n != int(n):
        raise ValueError(f"{n} is no whole number")
    return WORDS[int(n)] if 0 <= n < len(WORDS) else f"{int(n):,}"


def share(x: float) -> str:
    """A share as a percentage, with a decimal where it is small."""
    return f"{100 * x:.{0 if x >= 0.1 else 1}f}%"


def chance(simulated: Sequence[float]) -> str:
    """A simulated chance with its Monte-Carlo standard error."""
    mean, error = simulated
    return f"{mean:.2f} (SE {error:.2f})" if error else f"{mean:.2f}"


def total(trials: Iterable[Mapping[str, str]], column: str) -> int:
    """The sum of a column of counts."""
    return sum(int(one[column]) for one in trials)


def render(template: str, root: Path = ACCEPTED) -> str:
    """Render the paper. Raises jinja2.UndefinedError or KeyError where it asks for what is not there."""
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    results = Results(root)
    environment.globals |= {
        "fit": results.fit,
        "sensitivity": results.sensitivity,
        "plan": results.plan,
        "audit": results.audit,
        "row": row,
        "published": published,
        "finding": finding,
        "sources": sources,
        "total": total,
    }
    environment.filters |= {
        "number": number,
        "probability": probability,
        "interval": lambda ci: interval(*ci),
        "ratio": ratio,
        "per_100": per_100,
        "word": word,
        "share": share,
        "percent": percent,
        "prior": lambda text: short_text(parse_prior(text)),
        "chance": chance,
        "fold": lambda width: number(math.exp(width)),
    }
    return environment.from_string(template).render()


if __name__ == "__main__":
    PAPER.write_text(render(TEMPLATE.read_text("utf-8")), "utf-8")
    print(f"Written to {PAPER}")
