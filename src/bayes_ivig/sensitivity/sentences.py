"""Three sentences for a panel: what the conclusion survives, what it does not, what it depends on most.

Everything in them is read off the numbers. The conclusion is that P exceeds 0.975 or, where the model as it stands
gives less, the highest of 0.95, 0.9 and 0.5 that it exceeds; it survives a choice if P exceeds that throughout.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bayes_ivig.effects import is_ratio
from bayes_ivig.sensitivity.baselines import Baselines
from bayes_ivig.sensitivity.bias import ALL, BiasTipping
from bayes_ivig.sensitivity.leave_one_out import LeftOut
from bayes_ivig.sensitivity.prior_grid import PriorGrid
from bayes_ivig.sensitivity.setting import Setting
from bayes_ivig.sensitivity.tipping import Tipping
from bayes_ivig.wording import number, probability

LEVELS = (0.975, 0.95, 0.9, 0.5)


@dataclass(frozen=True)
class Axis:
    """One choice: the lowest and the highest P over what it may be, and how it is said."""

    name: str
    low: float
    high: float
    worst: str  # the value with the lowest P

    @property
    def span(self) -> float:
        """How far P moves along it."""
        return self.high - self.low


def write_sentences(
    setting: Setting,
    axes: Sequence[Axis],
    grid: PriorGrid,
    tipping: Tipping,
    bias: Sequence[BiasTipping],
) -> tuple[str, ...]:
    """Write the three sentences."""
    p, name = setting.answer.p, setting.direction.text
    level = next((one for one in LEVELS if p > one), None)
    if level is None:
        first = (
            f"There is no conclusion to survive anything: {name} is {probability(p)} in the model as it stands, and "
            f"between {probability(min(a.low for a in axes))} and {probability(max(a.high for a in axes))} over the "
            "alternatives."
        )
        return first, _advocate(setting, tipping), _most(setting, axes)
    kept = [f"{axis.name} (at worst {probability(axis.low)})" for axis in axes if axis.low > level]
    if kept:
        first = f"Survives: {name} is {probability(p)} and stays above {level:g} whichever is taken of {_and(kept)}."
    else:
        first = (
            f"Survives: {name} is {probability(p)}, but no choice varied alone leaves it above {level:g} throughout."
        )
    return first, _falls(setting, axes, grid, level, tipping, bias), _most(setting, axes)


def gather_axes(
    setting: Setting, baselines: Baselines, grid: PriorGrid, left_out: Sequence[LeftOut]
) -> tuple[Axis, ...]:
    """Every choice that was varied one at a time, and how far P moved."""
    axes = []
    if baselines.cells:
        cells = [(f"{cell.label}", cell.answer.p) for cell in baselines.cells]
        axes.append(_axis("the baseline priors and their places", "baseline", cells))
    for name, short, priors, values in (
        ("the priors of mu", "mu", grid.mu, grid.p[0, 0]),
        ("the priors of tau", "tau", grid.tau, grid.p[0, :, 0]),
    ):
        if len(priors) > 1:
            axes.append(_axis(name, short, [(one.short, float(p)) for one, p in zip(priors, values, strict=True)]))
    if len(left_out) > 1:
        rows = [("", setting.answer.p), *((row.study, row.answer.p) for row in left_out)]
        axes.append(_axis("the trials, one left out", "without", rows))
    return tuple(axes)


def _axis(name: str, short: str, values: Sequence[tuple[str, float]]) -> Axis:
    worst = min(values, key=lambda pair: pair[1])
    return Axis(name, worst[1], max(p for _, p in values), f"{short} {worst[0]}".strip())


def _and(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _falls(
    setting: Setting,
    axes: Sequence[Axis],
    grid: PriorGrid,
    level: float,
    tipping: Tipping,
    bias: Sequence[BiasTipping],
) -> str:
    """What takes P below the level: choices that do, then how far the others would have to go."""
    name = setting.direction.text
    found = [f"{axis.worst} ({probability(axis.low)})" for axis in axes if axis.low <= level]
    worst = grid.extreme()
    if grid.p[worst] <= min([level, *(axis.low for axis in axes)]):
        found.append(f"priors combined at their worst, {grid.describe(*worst)} ({probability(float(grid.p[worst]))})")
    further = []
    sceptical, trials = tipping.find("sceptical SD", level), tipping.find("null trials", level)
    if sceptical and sceptical.value:
        size = f", as sure as {sceptical.patients:,.0f} patients without an effect" if sceptical.patients else ""
        further.append(f"a sceptical prior with an SD of {number(sceptical.value)} or less{size}")
    if trials and trials.value:
        size = f" ({trials.patients:,.0f} patients)" if trials.patients else ""
        further.append(f"{trials.value:,.0f} further null trial{'s' if trials.value > 1 else ''}{size}")
    common = next((row for row in bias if row.trials == ALL and row.threshold == level), None)
    if common is not None and common.bias is not None and common.bias * setting.direction.sign > 0:
        away = math.exp(abs(common.bias)) if is_ratio(setting.model.measure) else abs(common.bias)
        by = f"{number(away)}-fold" if is_ratio(setting.model.measure) else f"by {number(away)}"
        further.append(f"bias in all trials that exaggerates the effect {by}")
    if not found and not further:
        return f"Does not survive: nothing that was tried takes {name} below {level:g}."
    start = f"Does not survive: {name} falls to {level:g} or below with {_and(found)}" if found else "Does not survive"
    if not further:
        return f"{start}."
    joint = "; alone it would also take" if found else f": to take {name} below {level:g} it needs"
    return f"{start}{joint} {_or(further)}."


def _or(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{'; '.join(parts[:-1])}; or {parts[-1]}"


def _advocate(setting: Setting, tipping: Tipping) -> str:
    points = [point for point in tipping.points if point.what == "advocate's mean"]
    reached = [point for point in points if point.value is not None]
    if not reached:
        return f"No advocate's prior that was tried takes {setting.direction.text} to {points[-1].threshold:g}."
    return f"It takes an advocate to conclude anything: {reached[-1].text}."


def _most(setting: Setting, axes: Sequence[Axis]) -> str:
    """Name the choice that moves P the most."""
    if not axes:
        return "Depends most on: nothing else was varied."
    top = max(axes, key=lambda axis: axis.span)
    return (
        f"Depends most on: {top.name}; varied alone, {setting.direction.text} goes from {probability(top.low)} "
        f"({top.worst}) to {probability(top.high)}."
    )
