"""How much bias the trials would have to carry before the conclusion tips over.

A bias b adds to the effect a trial estimates, on the analysis scale (the log of an odds ratio): responders to
open-label treatment enrolled again, patients who guess the treatment by its side effects, outcomes they rate
themselves. b ~ Normal(b0, s) is common to all trials, or is one trial's own (Turner RM et al., J R Stat Soc A
2009;172:21-47, for the model of additive bias).
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

from bayes_ivig.effects import is_ratio
from bayes_ivig.quadrature import Surface
from bayes_ivig.sensitivity.effect_line import EffectLine
from bayes_ivig.sensitivity.more_curves import BiasedCurve
from bayes_ivig.sensitivity.quick import quick_answer
from bayes_ivig.sensitivity.setting import Setting, log_odds

THRESHOLD = 0.975
ALL = "all trials"
_UNSURE = {True: 0.5, False: 0.25}  # SD of an uncertain bias: on the log scale; else of the prior's SD of mu
_FURTHEST = 50.0  # biases tried, in units of the log scale or SDs of the prior
_CLIP = 1e-13


@dataclass(frozen=True)
class BiasTipping:
    """The bias b0 at which P falls to the threshold, if it is there; None where no bias tried does it."""

    trials: str  # all trials, or the name of one
    bias_sd: float
    threshold: float
    bias: float | None
    natural: float | None  # the bias as a ratio, for ratios
    text: str

    def to_json(self) -> dict[str, Any]:
        """The row as plain JSON values."""
        return asdict(self)


def find_bias_tipping(setting: Setting) -> tuple[BiasTipping, ...]:
    """Find the tipping bias in all trials and in each one, known exactly and known roughly; none where P is low."""
    if setting.answer.p <= THRESHOLD or setting.mu.point is not None:
        return ()
    unit = 1.0 if is_ratio(setting.model.measure) else _prior_sd(setting)
    unsure = round(_UNSURE[is_ratio(setting.model.measure)] * unit, 6)
    line = EffectLine(setting.surface, setting.tau)
    sign = setting.direction.sign
    rows = [
        _row(setting, ALL, sd, _root(lambda b, sd=sd: line.probability(setting.mu, sign, b, sd), sign * unit))
        for sd in (0.0, unsure)
    ]
    if len(setting.names) > 1:
        rows += [_row(setting, name, 0.0, _in_one(setting, i, unit)) for i, name in enumerate(setting.names)]
    return tuple(rows)


def _in_one(setting: Setting, index: int, unit: float) -> float | None:
    """The tipping bias in one trial; None where the others alone are above the threshold at any bias."""
    curves = setting.surface.curves

    def p(bias: float) -> float:
        biased = BiasedCurve(curves[index], bias)
        surface = Surface((*curves[:index], biased, *curves[index + 1 :]))
        return quick_answer(surface, setting.mu, setting.tau, setting.direction).p

    return _root(p, setting.direction.sign * unit)


def _root(p: Any, unit: float) -> float | None:
    """Follow the bias outwards until P is below the threshold, then find where it crosses."""
    from scipy.optimize import brentq

    def gap(bias: float) -> float:
        return log_odds(min(max(p(bias), _CLIP), 1 - _CLIP)) - log_odds(THRESHOLD)

    inner, step = 0.0, 2 * unit
    while abs(inner) < _FURTHEST * abs(unit):
        outer = inner + step
        if gap(outer) <= 0:
            return float(brentq(gap, inner, outer, xtol=1e-6 * abs(unit)))
        inner, step = outer, 2 * step
    return None


def _prior_sd(setting: Setting) -> float:
    sd = setting.model.priors["mu"].sd
    return sd if math.isfinite(sd) else 1.0


def _row(setting: Setting, trials: str, sd: float, bias: float | None) -> BiasTipping:
    ratio = is_ratio(setting.model.measure)
    where = "all trials" if trials == ALL else f"{trials} alone"
    unsure = f", give or take an SD of {sd:g}" if sd else ""
    what = f"{setting.direction.text} falls below {THRESHOLD:g}"
    if bias is None:
        text = f"No bias in {where}{unsure} that was tried: {what} nowhere"
        return BiasTipping(trials, sd, THRESHOLD, None, None, text)
    natural = math.exp(bias) if ratio else None
    shown = f"multiplies the {setting.model.measure} by {natural:.3g}" if natural else f"adds {bias:.3g} to the effect"
    return BiasTipping(
        trials, sd, THRESHOLD, bias, natural, f"{what} where bias in {where} {shown} (b0 = {bias:.3g}{unsure})"
    )
