"""Gather what a report needs of one outcome: a stored run where it is the same analysis, else one made now."""

import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bayes_ivig import __version__
from bayes_ivig.evidence import Evidence
from bayes_ivig.fit import Fit, run_fit
from bayes_ivig.fit_json import to_json
from bayes_ivig.page.outcome import Outcome
from bayes_ivig.priors import Prior
from bayes_ivig.published import Reproduction
from bayes_ivig.spec import Model
from bayes_ivig.store import finite

NEEDED_FIGURES = ("forest", "prior-posterior")
FIGURES = (*NEEDED_FIGURES, "predictive-check", "trace")


def stored_outcome(
    root: Path,
    evidence: Evidence,
    model: Model,
    published: tuple[Reproduction, ...],
    prob: float,
    control_risk: Prior | None,
) -> Outcome | None:
    """Return the outcome of a stored run with its figures, if data, model, settings and version are those asked."""
    folder = root / evidence.review / evidence.outcome / model.slug
    try:
        fit = json.loads((folder / "fit.json").read_text("utf-8"))
        svg = {
            name: (folder / f"{name}.svg").read_text("utf-8") for name in FIGURES if (folder / f"{name}.svg").is_file()
        }
    except (OSError, ValueError):
        return None
    if not isinstance(fit, dict) or not same_analysis(fit, evidence, model, prob, control_risk):
        return None
    if not set(NEEDED_FIGURES) <= set(svg):
        return None
    png = {name: (folder / f"{name}.png").read_bytes() for name in svg if (folder / f"{name}.png").is_file()}
    return Outcome(evidence, model, fit, published, svg, png, stored=str(folder))


def same_analysis(
    fit: Mapping[str, Any], evidence: Evidence, model: Model, prob: float, control_risk: Prior | None
) -> bool:
    """Whether a stored result is that of these data, this model, these settings and this version."""
    try:
        chosen = fit["effects"]["at_control_risk"]
        return bool(
            fit["schema"] == 1
            and fit["provenance"]["version"] == __version__
            and fit["provenance"]["data_sha256"] == evidence.sha256
            and fit["provenance"]["seed"] == model.sampler.seed
            and [fit[key] for key in ("model", "measure", "effect", "parametrisation")]
            == [model.likelihood, model.measure, model.effect, model.parametrisation]
            and fit["priors"] == {key: model.priors[key].text for key in model.needed}
            and fit["mu"]["prob"] == prob
            and (chosen["control_risk"] if chosen else None) == (control_risk.text if control_risk else None)
        )
    except (KeyError, TypeError):
        return False


def fresh_outcome(
    evidence: Evidence,
    model: Model,
    published: tuple[Reproduction, ...],
    *,
    engine: str,
    prob: float,
    control_risk: Prior | None,
    png: bool,
    say: Callable[[str], None] = lambda text: None,
) -> Outcome:
    """Compute an outcome now, with its figures in memory."""
    fit = run_fit(evidence, model, engine=engine, prob=prob, control_risk=control_risk, published=published, say=say)
    say("Drawing")
    svg, pictures = figures(fit, png=png)
    return Outcome(evidence, model, finite(to_json(fit)), published, svg, pictures)


def figures(fit: Fit, *, png: bool) -> tuple[dict[str, str], dict[str, bytes]]:
    """Draw the figures of a fit as SVG text and, if asked, as PNG."""
    from bayes_ivig.plots import draw_figures
    from bayes_ivig.plots.style import DPI, house_style

    svg: dict[str, str] = {}
    pictures: dict[str, bytes] = {}
    for name, figure in draw_figures(fit).items():
        with house_style():
            text = io.StringIO()
            figure.savefig(text, format="svg", metadata={"Date": None})
            svg[name] = text.getvalue()
            if png:
                data = io.BytesIO()
                figure.savefig(data, format="png", dpi=DPI)
                pictures[name] = data.getvalue()
    return svg, pictures
