"""Rates of harm for a reader at a terminal."""

from rich.console import Group, RenderableType
from rich.text import Text

from bayes_ivig.harms import NEXT, TARGETS, Arm, Expected, Harms, Rate
from bayes_ivig.present import table
from bayes_ivig.wording import interval, number, percent


def harms_view(harms: Harms) -> RenderableType:
    """Every arm and reading: the counts, the limits under each prior, what to expect, how many would reassure."""
    return Group(harms_tables(harms), *(Text(f"Note: {note}") for note in harms.notes))


def harms_tables(harms: Harms) -> RenderableType:
    """The same without the notes, to stand below a fit."""
    evidence = harms.evidence
    parts: list[RenderableType] = [Text(""), Text(f"{evidence.title or evidence.outcome}: rates", style="bold")]
    parts.extend(part for arm in harms.arms for part in arm_parts(arm, harms.prob))
    parts.append(
        Text(
            f"Upper limits are one-sided, {percent(harms.prob)}; intervals equal-tailed; all trials as one group. "
            "The third prior, for rare harms, is a choice: change it with --informative in 'bayes-ivig harms'."
        )
    )
    return Group(*parts)


def arm_parts(arm: Arm, prob: float) -> list[RenderableType]:
    """The tables of one arm in one reading."""
    reading = f", read as {arm.reading}" if arm.reading else ""
    trials = ", ".join(f"{name} {r}/{n}" for name, r, n in arm.trials)
    heading = f"{arm.treatment}{reading}: {arm.events} of {arm.n}, {_per_100(arm.events / arm.n)} per 100 ({trials})"
    parts: list[RenderableType] = [Text(""), Text(heading)]
    if arm.note:
        parts.append(Text(f"Reading: {arm.note}"))
    limits = f"exact upper limit {_per_100(arm.exact_upper)} per 100"
    if arm.rule_of_three is not None:
        limits = f"rule of three {_per_100(arm.rule_of_three)} per 100; {limits}"
    header = (
        "prior of the rate",
        "median per 100",
        "upper limit",
        *(f"next {patients:,}" for patients in NEXT),
        *(f"under {percent(target)}" for target in TARGETS),
    )
    parts.append(table("", header, [_row(rate) for rate in arm.rates]))
    parts.append(
        Text(f"Without a prior: {limits}. Under ...%: further event-free patients that bring the upper limit there.")
    )
    if arm.spread:
        average, following = (
            f"{_per_100(x[0])} ({_range(x[1:])})" for x in (arm.spread.average_trial, arm.spread.next_trial)
        )
        priors = ", ".join(f"{key} {text}" for key, text in arm.spread.priors.items())
        parts.append(
            Text(
                f"Rates that vary between trials, per 100: average trial {average}, next trial {following} ({priors})."
            )
        )
    return parts


def _row(rate: Rate) -> tuple[str, ...]:
    return (
        rate.prior,
        f"{_per_100(rate.median)} ({_range(rate.interval)})",
        _per_100(rate.upper),
        *(_expected(expected) for expected in rate.expected),
        *("more than 10 million" if n is None else f"{n:,}" for n in rate.needed.values()),
    )


def _expected(expected: Expected) -> str:
    low, high = expected.interval
    return f"{number(expected.mean)} ({low:g} to {high:g})"


def _per_100(p: float) -> str:
    return number(100 * p)


def _range(limits: tuple[float, ...]) -> str:
    return interval(100 * limits[0], 100 * limits[1])
