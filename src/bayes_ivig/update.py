"""A living analysis: new trials join those at hand, and what they moved is said."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bayes_ivig.absolute import Absolute
from bayes_ivig.columns import KINDS_OF_LIKELIHOOD
from bayes_ivig.effects import to_natural
from bayes_ivig.errors import InputError
from bayes_ivig.evidence import Evidence, load_csv, slug
from bayes_ivig.fit import Fit
from bayes_ivig.summary import Summary
from bayes_ivig.tabular import shown


@dataclass(frozen=True)
class Change:
    """One quantity before and after: median (or probability) and interval, None where it has none.

    `shift` is the move of the median in SDs of the earlier posterior, where it has one.
    """

    name: str
    before: tuple[float, float, float] | float | None
    after: tuple[float, float, float] | float | None
    shift: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The change as plain JSON values."""
        return {"name": self.name, "before": _plain(self.before), "after": _plain(self.after), "shift": self.shift}


@dataclass(frozen=True)
class Moved:
    """What the added trials moved: `changes` on the natural scale, tau on the analysis scale."""

    added: tuple[str, ...]
    measure: str
    prob: float
    changes: tuple[Change, ...]

    def to_json(self) -> dict[str, Any]:
        """What moved as plain JSON values."""
        return {"added": list(self.added), "measure": self.measure, "prob": self.prob} | {
            "changes": [change.to_json() for change in self.changes]
        }


def add_trials(evidence: Evidence, path: Path) -> Evidence:
    """Return the evidence with the trials of a table added; their kind is that of the trials at hand.

    Raises
    ------
    InputError
        A file that cannot be read, trials of another kind, or a name that is taken.
    """
    likelihood = next((name for name, kinds in KINDS_OF_LIKELIHOOD.items() if kinds[0] == evidence.kind), None)
    new = load_csv(path, likelihood)
    where = shown(path.name)
    if new.kind != evidence.kind:
        raise InputError(f"--add: {where} holds {new.kind} data, and the trials at hand are {evidence.kind} data")
    taken = {study.study.casefold() for study in evidence.studies}
    for study in new.studies:
        if study.study.casefold() in taken:
            raise InputError(
                f"--add: '{shown(study.study)}' in {where} is among the trials at hand; give it another name"
            )
    names = ", ".join(study.study for study in new.studies)
    rows = (*evidence.rows, *new.rows) if len(evidence.rows) == len(evidence.studies) else evidence.rows
    return replace(
        evidence,
        studies=(*evidence.studies, *new.studies),
        rows=rows,
        notes=(*evidence.notes, *new.notes, f"Added from {where}: {names}."),
        sha256=hashlib.sha256(f"{evidence.sha256} {new.sha256}".encode()).hexdigest(),
    )


def folder_suffix(path: Path) -> str:
    """What the result folder of an updated fit is called beside the earlier one's."""
    return f"-with-{slug(path.stem) or 'more'}"


def compare_fits(before: Fit, after: Fit) -> Moved:
    """Say what moved from one fit to another of the same model."""
    if (before.model.measure, before.model.likelihood) != (after.model.measure, after.model.likelihood):
        raise InputError("two fits are compared by the same model only")
    measure = before.model.measure
    known = {study.study for study in before.evidence.studies}
    changes = [_effect(f"{measure}, average trial", measure, before.mu, after.mu)]
    if before.tau is not None and after.tau is not None:
        changes.append(_effect(f"{measure}, next trial", measure, before.theta_new, after.theta_new))
        changes.append(Change("tau", _three(before.tau), _three(after.tau), _shift(before.tau, after.tau)))
    for name, attribute in (
        ("P(benefit), average trial", "p_benefit"),
        ("P(benefit), next trial", "p_benefit_new"),
        ("P(harm), average trial", "p_harm"),
    ):
        was, now = getattr(before, attribute), getattr(after, attribute)
        if was is not None or now is not None:
            changes.append(Change(name, was, now))
    changes += _absolute(before, after)
    added = tuple(study.study for study in after.evidence.studies if study.study not in known)
    return Moved(added, measure, after.prob, tuple(changes))


def _effect(name: str, measure: str, before: Summary, after: Summary) -> Change:
    was, now = (tuple(float(to_natural(measure, x)) for x in _three(summary)) for summary in (before, after))
    return Change(name, was, now, _shift(before, after))  # type: ignore[arg-type]


def _three(summary: Summary) -> tuple[float, float, float]:
    return (summary.median, *summary.ci)


def _shift(before: Summary, after: Summary) -> float | None:
    return (after.median - before.median) / before.sd if before.sd > 0 else None


def _absolute(before: Fit, after: Fit) -> list[Change]:
    pairs: list[tuple[str, Absolute | None, Absolute | None]] = [("in these trials", before.in_trials, after.in_trials)]
    for where in before.at_control_risk or {}:
        chosen = (before.at_control_risk or {})[where], (after.at_control_risk or {}).get(where)
        pairs.append((f"at the control risk, {where.replace('_', ' ')}", *chosen))
    changes = []
    for where, was, now in pairs:
        if was is None or now is None:
            continue
        old, new = (x.to_json(fit.prob, fit.evidence.benefit) for x, fit in ((was, before), (now, after)))
        for key, what in (
            ("per_100_treated", "per 100 treated"),
            ("per_100_control", "per 100 untreated"),
            ("per_100_difference", "difference per 100"),
        ):
            values = [(x[key]["median"], *x[key]["ci"]) for x in (old, new)]
            changes.append(Change(f"{what}, {where}", values[0], values[1]))
        if old["NNT"] is not None and new["NNT"] is not None:
            chances = (nnt["NNT"]["p_no_benefit"] for nnt in (old, new))
            changes.append(Change(f"chance of no benefit, {where}", *chances))
    return changes


def _plain(value: tuple[float, float, float] | float | None) -> Any:
    return {"median": value[0], "ci": [value[1], value[2]]} if isinstance(value, tuple) else value
