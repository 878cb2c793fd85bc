"""How much bias the trials would have to carry before the conclusion tips over.

A bias b adds to the effect a trial estimates, on the analysis scale (the log of an odds ratio): responders to
open-label treatment enrolled again, patients who guess the treatment by its side effects, outcomes they rate
themselves. b ~ Normal(b0, s) is common to all trials, or is one trial's own (Turner RM et al., J R Stat Soc A
2009;172:21-47, for the model of additive bias).
"""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, NamedTuple

from bayes_ivig.effects import is_ratio
from bayes_ivig.sensitivity.effect_line import EffectLine, OneBiased
from bayes_ivig.sensitivity.setting import Setting, log_odds
from bayes_ivig.wording import number, probability

THRESHOLD = 0.975
ALL = "all trials"
_UNSURE = {True: 0.5, False: 0.25}  # SD of an uncertain bias: on the log scale; else of the prior's SD of mu
_STEP, _FURTHEST = 1.0, 40.0  # biases tried, in units of the log scale or SDs of the prior: close by in equal steps
_CLOSE = 8.0
_CLIP = 1e-13


@dataclass(frozen=True)
class BiasTipping:
    """The bias b0 at which P falls to the threshold, if it is there; None where no bias tried does it."""

    trials: str  # all trials, or the name of one
    bias_sd: float
    lowest: float  # P at the worst bias tried
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
        _row(setting, ALL, sd, _find(partial(line.probability, setting.mu, sign, bias_sd=sd), sign * unit))
        for sd in (0.0, unsure)
    ]
    if len(setting.names) > 1:
        for i, name in enumerate(setting.names):
            one = OneBiased(line, setting.mu, i)
            rows.append(_row(setting, name, 0.0, _find(partial(one.probability, sign=sign), sign * unit)))
    return tuple(rows)


class _Found(NamedTuple):
    """The tipping bias, if there is one, and the lowest P of all biases tried."""

    bias: float | None
    lowest: float


def _find(p: Callable[[float], float], unit: float) -> _Found:
    """Follow the bias outwards until P is below the threshold, then find where it crosses.

    In one trial P may fall and rise again: a bias that its data cannot be squared with makes it say nothing.
    """
    from scipy.optimize import brentq

    def gap(bias: float) -> float:
        return log_odds(min(max(p(bias), _CLIP), 1 - _CLIP)) - log_odds(THRESHOLD)

    inner, lowest = 0.0, math.inf
    if gap(0.0) <= 0:  # not knowing the bias is enough: only one against the effect could make up for it
        outer = -unit
        while gap(outer) <= 0 and abs(outer) < _FURTHEST * abs(unit):
            outer *= 2
        bias = float(brentq(gap, outer, 0.0, xtol=1e-6 * abs(unit))) if gap(outer) > 0 else None
        return _Found(bias, p(0.0))
    while abs(inner) < _FURTHEST * abs(unit):
        outer = inner + unit * (_STEP if abs(inner) < _CLOSE * abs(unit) else abs(inner / unit))
        here = gap(outer)
        lowest = min(lowest, here)
        if here <= 0:
            return _Found(float(brentq(gap, inner, outer, xtol=1e-6 * abs(unit))), THRESHOLD)
        inner = outer
    return _Found(None, 1 / (1 + math.exp(-lowest - log_odds(THRESHOLD))))


def _prior_sd(setting: Setting) -> float:
    sd = setting.model.priors["mu"].sd
    return sd if math.isfinite(sd) else 1.0


def _row(setting: Setting, trials: str, sd: float, found: _Found) -> BiasTipping:
    measure, p = setting.model.measure, setting.direction.text
    where = "all trials" if trials == ALL else f"{trials} alone"
    unsure = f", SD {sd:g}" if sd else ""
    if found.bias is None:
        text = f"No bias in {where}{unsure} takes {p} below {THRESHOLD:g}; at worst it is {probability(found.lowest)}"
        return BiasTipping(trials, sd, found.lowest, THRESHOLD, None, None, text)
    if found.bias * setting.direction.sign <= 0:
        text = f"Not knowing the bias in {where} (b0 = 0{unsure}) takes {p} to {probability(found.lowest)}"
        return BiasTipping(trials, sd, found.lowest, THRESHOLD, found.bias, None, text)
    natural = math.exp(found.bias) if is_ratio(measure) else None
    shown = f"multiplies the {measure} by {number(natural)}" if natural else f"adds {number(found.bias)} to the effect"
    text = f"{p} falls below {THRESHOLD:g} where bias in {where} {shown} (b0 = {found.bias:.2f}{unsure})"
    return BiasTipping(trials, sd, found.lowest, THRESHOLD, found.bias, natural, text)
