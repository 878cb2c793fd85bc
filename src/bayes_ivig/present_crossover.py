"""The crossover block of a fit in words and rows, for a reader at a terminal."""

from collections.abc import Sequence
from typing import NamedTuple

from bayes_ivig.crossover_view import CrossoverView
from bayes_ivig.effects import to_natural
from bayes_ivig.summary import Summary
from bayes_ivig.wording import listing, percent, probability, with_interval


class Rows(NamedTuple):
    """A table: its columns from `numeric_from` on are right-aligned."""

    title: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    numeric_from: int = 1


def crossover_parts(view: CrossoverView, fitted: str) -> list[str | Rows]:
    """Lines and tables of the block; `fitted` is the text of the association prior of the fit."""
    crossover, parallel = view.crossover, view.parallel
    line = (
        f"Marginal log OR, {percent(crossover.prob)} intervals: as crossover trials {_limits(crossover)}; the same "
        f"data treated as parallel arms, each patient counted twice, {_limits(parallel)}."
    )
    rows: list[tuple[str, ...]] = [
        ("paired (as fitted)" if prior == fitted else "paired", prior, *_cells(summary))
        for prior, summary in view.associations.items()
    ]
    rows.append(("parallel arms", "none", *_cells(parallel)))
    if view.first_period is not None:
        rows.append((f"paired; {_names(view)} by the first period", fitted, *_cells(view.first_period)))
    header = ("the same data", "association", f"marginal OR ({percent(crossover.prob)})", "P(OR > 1)")
    parts: list[str | Rows] = [line, Rows("Crossover trials, patients paired or not", header, rows, 2)]
    parts.extend(
        f"First period of {t.study}, where only non-responders crossed: {t.events_t}/{t.n_t} on treatment, "
        f"{t.events_c}/{t.n_c} on control. The likelihood of both periods holds where crossing was decided by the "
        "recorded first-period outcome alone, without period, sequence or carry-over effect."
        for t in view.first_periods
    )
    if view.conditional is not None:
        head = ("conditional OR, within patients: a second analysis of another effect", "P(OR > 1)")
        title = "Discordant pairs only, same priors of mu and tau"
        parts.append(Rows(title, head, [_cells(view.conditional)]))
    parts.extend(f"Note (conditional OR): {note}" for note in view.conditional_notes)
    within: list[tuple[str, ...]] = [
        (
            w.study,
            with_interval(w.association.median, w.association.ci),
            probability(w.association.p_gt_0),
            _natural(w.log_or),
        )
        for w in view.within
    ]
    columns = ("trial", "association lambda, log OR", "P(lambda > 0)", "conditional OR implied")
    parts.append(Rows("Association within patients, from the joint posterior", columns, within))
    return parts


def _limits(summary: Summary) -> str:
    return " to ".join(f"{limit:.2f}" for limit in summary.ci)


def _natural(summary: Summary) -> str:
    low, high = (float(to_natural("OR", limit)) for limit in summary.ci)
    return with_interval(float(to_natural("OR", summary.median)), (low, high))


def _cells(summary: Summary) -> tuple[str, str]:
    return _natural(summary), probability(summary.p_gt_0)


def _names(view: CrossoverView) -> str:
    return listing([t.study for t in view.first_periods])
