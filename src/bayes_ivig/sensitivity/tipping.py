"""How far an assumption has to go before the conclusion tips over.

The size of a sceptical prior normal(0, s) in patients is n = 4 / (s^2 p (1 - p)): the log odds ratio of a trial of n
patients, 1:1, at risk p in both arms, has variance s^2 (Spiegelhalter, Abrams and Myles, Bayesian Approaches to
Clinical Trials, 2004, sec. 2.4). For a log risk ratio it is 4 (1 - p) / (s^2 p), for an SMD 4 / s^2.
"""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from bayes_ivig.priors import Prior
from bayes_ivig.quadrature import Surface, shape_of
from bayes_ivig.sensitivity.effect_line import EffectLine
from bayes_ivig.sensitivity.more_curves import RepeatedCurve
from bayes_ivig.sensitivity.null_trial import Risk, make_null_trial, pooled_control_risk
from bayes_ivig.sensitivity.quick import quick_answer
from bayes_ivig.sensitivity.setting import Setting, log_odds

THRESHOLDS = (0.975, 0.95, 0.9)
_NARROWEST, _FURTHEST = 1e-3, 30.0  # SD and shift of a prior that are tried, in SDs of the prior as it stands
MOST_TRIALS = 1000


@dataclass(frozen=True)
class TippingPoint:
    """Where one assumption takes the probability to `threshold`; `value` is None where nothing tried does.

    `patients` is the size of the prior, or of the further trials, in patients. `text` is the finding in words.
    """

    what: str  # sceptical SD, prior mean, null trials, advocate's mean
    threshold: float
    value: float | None
    patients: float | None
    text: str

    def to_json(self) -> dict[str, Any]:
        """The point as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Tipping:
    """Every tipping point, and on what the patients and the null trials rest."""

    points: tuple[TippingPoint, ...]
    notes: tuple[str, ...]

    def to_rows(self) -> list[dict[str, Any]]:
        """One row a point."""
        return [point.to_json() for point in self.points]

    def find(self, what: str, threshold: float) -> TippingPoint | None:
        """One point, if it is there."""
        return next((p for p in self.points if (p.what, p.threshold) == (what, threshold)), None)


def find_tipping_points(setting: Setting) -> Tipping:
    """Find where P falls below each threshold; where it is below already, what an advocate would have to believe."""
    p0 = setting.answer.p
    risk = pooled_control_risk(setting.evidence.studies)
    line = EffectLine(setting.surface, setting.tau)
    spread = _spread(setting)
    reachable = [threshold for threshold in THRESHOLDS if p0 > threshold]
    missed = [threshold for threshold in THRESHOLDS if p0 <= threshold]
    points = [_sceptical(setting, line, spread, threshold, risk) for threshold in reachable]
    points += [_mean(setting, line, spread, threshold) for threshold in reachable]
    points += _null_trials(setting, reachable)
    points += [_advocate(setting, line, spread, threshold) for threshold in missed]
    return Tipping(tuple(points), _notes(setting, risk))


def _spread(setting: Setting) -> float:
    """SD of the prior of mu, or half its central 68% where it has none."""
    prior = setting.model.priors["mu"]
    if prior.is_point:
        return 1.0
    if math.isfinite(prior.sd):
        return prior.sd
    low, high = prior.ppf([0.16, 0.84])
    return float(high - low) / 2


def _root(f: Callable[[float], float], low: float, high: float) -> float | None:
    """Where f changes sign between two positive numbers, on their log scale; None where it does not."""
    from scipy.optimize import brentq

    if f(low) * f(high) > 0:
        return None
    return math.exp(brentq(lambda u: f(math.exp(u)), math.log(low), math.log(high), xtol=1e-7))


def _sceptical(setting: Setting, line: EffectLine, spread: float, threshold: float, risk: Risk | None) -> TippingPoint:
    sign, target = setting.direction.sign, log_odds(threshold)

    def gap(sd: float) -> float:
        return _clipped(line.probability(shape_of(Prior("normal", (0.0, sd))), sign)) - target

    sd = _root(gap, _NARROWEST * spread, _FURTHEST * spread)
    what = f"{setting.direction.text} falls below {threshold:g}"
    if sd is None:
        text = f"No prior centred at no effect, down to an SD of {_NARROWEST * spread:.3g}: {what} nowhere"
        return TippingPoint("sceptical SD", threshold, None, None, text)
    patients = prior_size(sd, setting.model.measure, risk)
    size = "" if patients is None or risk is None else f", as sure as {patients:,.0f} patients without an effect"
    return TippingPoint("sceptical SD", threshold, sd, patients, f"{what} under normal(0, {sd:.3g}) or narrower{size}")


def prior_size(sd: float, measure: str, risk: Risk | None) -> float | None:
    """Patients, 1:1, whose effect estimate has this standard error at a risk; None where the scale has no such size."""
    if measure == "SMD":
        return 4 / sd**2
    if risk is None or measure not in ("OR", "RR"):
        return None
    p = risk.value
    return 4 / (sd**2 * p * (1 - p)) if measure == "OR" else 4 * (1 - p) / (sd**2 * p)


def _at_mean(setting: Setting, line: EffectLine, spread: float, threshold: float, way: int) -> float | None:
    """Mean of a normal prior with the SD of the one as it stands that takes P to the threshold, going one way."""
    sign = setting.direction.sign
    start = setting.model.priors["mu"].ppf(0.5)

    def gap(shift: float) -> float:
        prior = Prior("normal", (float(start) + way * shift, spread))
        return _clipped(line.probability(shape_of(prior), sign)) - log_odds(threshold)

    shift = _root(gap, 1e-6 * spread, _FURTHEST * spread)
    return None if shift is None else float(start) + way * shift


def _mean(setting: Setting, line: EffectLine, spread: float, threshold: float) -> TippingPoint:
    mean = _at_mean(setting, line, spread, threshold, -setting.direction.sign)
    what = f"{setting.direction.text} falls below {threshold:g}"
    if mean is None:
        text = f"No prior mean within {_FURTHEST * spread:.3g}: {what} nowhere"
    else:
        text = f"{what} once the prior is normal({mean:.3g}, {spread:.3g}) or further out"
    return TippingPoint("prior mean", threshold, mean, None, text)


def _advocate(setting: Setting, line: EffectLine, spread: float, threshold: float) -> TippingPoint:
    mean = _at_mean(setting, line, spread, threshold, setting.direction.sign)
    what = f"{setting.direction.text} reaches {threshold:g}"
    if mean is None:
        text = f"No prior mean within {_FURTHEST * spread:.3g}: {what} nowhere"
    else:
        text = f"{what} for an advocate whose prior is normal({mean:.3g}, {spread:.3g}) or further out"
    return TippingPoint("advocate's mean", threshold, mean, None, text)


def _null_trials(setting: Setting, thresholds: list[float]) -> list[TippingPoint]:
    """How many further null trials take P below each threshold: doubled until enough, then bisected."""
    if not thresholds:
        return []
    trial = make_null_trial(setting.evidence, setting.model)
    seen: dict[int, float] = {0: setting.answer.p}

    def p(times: int) -> float:
        if times not in seen:
            surface = Surface((*setting.surface.curves, RepeatedCurve(trial.curve, times)))
            seen[times] = quick_answer(surface, setting.mu, setting.tau, setting.direction).p
        return seen[times]

    points = []
    for threshold in thresholds:
        enough = 1
        while p(enough) > threshold and enough < MOST_TRIALS:
            enough = min(2 * enough, MOST_TRIALS)
        if p(enough) > threshold:
            text = f"Not reachable: after {MOST_TRIALS:,} null trials {setting.direction.text} is still {p(enough):.3f}"
            points.append(TippingPoint("null trials", threshold, None, None, text))
            continue
        short = max(n for n in seen if seen[n] > threshold)
        while enough - short > 1:
            middle = _between(short, enough, p, threshold)
            short, enough = (middle, enough) if p(middle) > threshold else (short, middle)
        patients = None if trial.patients is None else enough * trial.patients
        size = "" if patients is None else f" ({patients:,.0f} patients)"
        trials = f"{enough:,} further null trial{'s' if enough > 1 else ''}"
        text = f"{setting.direction.text} falls below {threshold:g} after {trials}{size}"
        points.append(TippingPoint("null trials", threshold, float(enough), patients, text))
    return points


def _between(short: int, enough: int, p: Callable[[int], float], threshold: float) -> int:
    """Guess where between two numbers of trials the threshold is crossed: linear in the log odds."""
    a, b, target = (_clipped(x) for x in (p(short), p(enough), threshold))
    guess = short + (enough - short) * (a - target) / (a - b) if a > b else (short + enough) / 2
    return min(max(math.ceil(guess), short + 1), enough - 1)


def _clipped(p: float) -> float:
    """Log odds within what doubles tell apart."""
    return log_odds(min(max(p, 1e-15), 1 - 1e-15))


def _notes(setting: Setting, risk: Risk | None) -> tuple[str, ...]:
    trial = make_null_trial(setting.evidence, setting.model)
    notes = [f"A null trial has {trial.text}."]
    if risk is not None and setting.model.measure in ("OR", "RR"):
        formula = "4 / (s^2 p (1 - p))" if setting.model.measure == "OR" else "4 (1 - p) / (s^2 p)"
        notes.append(
            f"A prior normal(0, s) is as sure as a trial without an effect of n = {formula} patients, 1:1, "
            f"with p = {risk.value:.3g}: {risk.text}."
        )
    return tuple(notes)
