"""Three sentences for a panel: what the conclusion survives, what it does not, what it depends on most.

Everything in them is read off the numbers; a finding counts as surviving where P stays above 0.975 (or, where the
model as it stands gives less, above the highest of 0.95, 0.9 and 0.5 that it reaches).
"""

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
    baselines: Baselines,
    grid: PriorGrid,
    left_out: Sequence[LeftOut],
    tipping: Tipping,
    bias: Sequence[BiasTipping],
) -> tuple[str, ...]:
    """Write the three sentences."""
    p, name = setting.answer.p, setting.direction.text
    level = next((one for one in LEVELS if p > one), None)
    axes = gather_axes(setting, baselines, grid, left_out)
    if level is None:
        first = (
            f"There is no conclusion to survive anything: {name} is {probability(p)} in the model as it stands, and "
            f"between {probability(min(a.low for a in axes))} and {probability(max(a.high for a in axes))} under the "
            "alternatives."
        )
        return first, _advocate(setting, tipping), _most(setting, axes)
    whole = f"{name} is {probability(p)} and stays above {level:g}"
    kept = [f"{axis.name} (at worst {probability(axis.low)})" for axis in axes if axis.low > level]
    first = f"{whole} whatever one takes as {_and(kept)}." if kept else (
        f"{name} is {probability(p)}, and none of the choices looked at leaves it above {level:g} throughout."
    )
    return first, _falls(setting, axes, level, tipping, bias), _most(setting, axes)


def gather_axes(
    setting: Setting, baselines: Baselines, grid: PriorGrid, left_out: Sequence[LeftOut]
) -> tuple[Axis, ...]:
    """Every choice that was varied one at a time, and how far P moved."""
    axes = [
        _axis("the prior of mu", [(one.prior.text, float(p)) for one, p in zip(grid.mu, grid.p[0, 0], strict=True)]),
        _axis("the prior of tau", [(one.prior.text, float(p)) for one, p in zip(grid.tau, grid.p[0, :, 0], strict=True)]),
    ]
    if baselines.cells:
        cells = [(cell.label, cell.answer.p) for cell in baselines.cells]
        axes.insert(0, _axis("the baseline prior and where it sits", cells))
    if len(left_out) > 1:
        rows = [("all trials", setting.answer.p), *((f"without {row.study}", row.answer.p) for row in left_out)]
        axes.append(_axis("any one trial left out", rows))
    return tuple(axes)


def _axis(name: str, values: Sequence[tuple[str, float]]) -> Axis:
    worst = min(values, key=lambda pair: pair[1])
    return Axis(name, worst[1], max(p for _, p in values), worst[0])


def _and(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} or {parts[-1]}"


def _falls(
    setting: Setting, axes: Sequence[Axis], level: float, tipping: Tipping, bias: Sequence[BiasTipping]
) -> str:
    """What takes P below the level: choices that do, then how far the others would have to go."""
    name = setting.direction.text
    parts = [f"with {axis.worst} it is {probability(axis.low)}" for axis in axes if axis.low <= level]
    sceptical, trials = tipping.find("sceptical SD", level), tipping.find("null trials", level)
    if sceptical and sceptical.value:
        patients = f" (worth {sceptical.patients:,.0f} patients)" if sceptical.patients else ""
        parts.append(f"it takes a sceptical prior with an SD of {number(sceptical.value)} or less{patients}")
    if trials and trials.value:
        patients = f" ({trials.patients:,.0f} patients)" if trials.patients else ""
        parts.append(f"{trials.value:,.0f} further null trial{'s' if trials.value > 1 else ''}{patients}")
    common = next((row for row in bias if row.trials == ALL and row.bias is not None and row.threshold == level), None)
    if common and common.bias is not None:
        by = f"a factor of {number(common.natural)}" if common.natural else f"{number(common.bias)}"
        if is_ratio(setting.model.measure) and common.natural is not None and common.natural < 1:
            by = f"a factor of {number(1 / common.natural)}"
        parts.append(f"bias that exaggerates the effect by {by} in all trials")
    if not parts:
        return f"Nothing that was tried takes {name} below {level:g}."
    return f"{name} falls below {level:g} under the following: {'; '.join(parts)}."


def _advocate(setting: Setting, tipping: Tipping) -> str:
    points = [point for point in tipping.points if point.what == "advocate's mean"]
    reached = [point for point in points if point.value is not None]
    if not reached:
        return f"No prior that was tried takes {setting.direction.text} to {points[-1].threshold:g}." if points else ""
    return f"It takes an advocate's prior to get there: {reached[-1].text}."


def _most(setting: Setting, axes: Sequence[Axis]) -> str:
    """Name the choice that moves P, and if P is everywhere the same the effect, the most."""
    top = max(axes, key=lambda axis: axis.span)
    name = setting.direction.text
    return (
        f"Of the choices varied one at a time, {name} depends most on {top.name}: it goes from {probability(top.low)} "
        f"({top.worst}) to {probability(top.high)}."
    )
