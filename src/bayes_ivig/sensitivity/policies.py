"""Zero-cell policies side by side: what each does to the counts, and what comes out."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bayes_ivig.effects import effect_sizes, to_natural, two_by_two
from bayes_ivig.evidence import Evidence
from bayes_ivig.pooled import Estimate, pool
from bayes_ivig.pooled.tables import mantel_haenszel, peto
from bayes_ivig.quadrature import Surface, fit_posterior
from bayes_ivig.quadrature.curves import Curve
from bayes_ivig.sensitivity.claim import Claim, claim_of
from bayes_ivig.sensitivity.corrections import POLICIES, correct, has_counts, one_outcome_trials, policies_for
from bayes_ivig.sensitivity.models import exact_model, with_likelihood
from bayes_ivig.sensitivity.study_curves import effect_curve, is_informative, shapes_of, study_curve
from bayes_ivig.spec import Model
from bayes_ivig.studies import TwoArm
from bayes_ivig.wording import interval, listing, number, probability

UNCHANGED = "nothing"


@dataclass(frozen=True)
class PolicyRow:
    """One policy. `estimate` and `ci` are on the analysis scale of `measure`.

    A posterior gives median, equal-tailed interval and the probability of the claim, a frequentist method estimate,
    confidence interval and no probability. `changed` says what was done to the data. What does not exist is nan,
    and `note` says why.
    """

    name: str
    label: str
    measure: str
    is_posterior: bool
    estimate: float
    ci: tuple[float, float]
    p_claim: float | None
    changed: str
    note: str = ""

    def natural(self) -> tuple[float, float, float]:
        """Estimate and limits on the natural scale: a ratio, a rate, or as they are."""
        return tuple(float(to_natural(self.measure, x)) for x in (self.estimate, *self.ci))  # type: ignore[return-value]


def compare_policies(evidence: Evidence, model: Model, prob: float = 0.95) -> tuple[PolicyRow, ...]:
    """Return one row a policy, the exact likelihood first; no rows for data that are no counts.

    Parameters
    ----------
    evidence
        Two arms give every policy; single arms have no opposite arm, and paired tables only the exact likelihood
        and 0.5 where it is needed.
    model
        Complete. Its priors of mu and tau serve every posterior, its baseline prior the exact likelihood.
    prob
        Probability of every interval.
    """
    claim = claim_of(evidence, model)
    studies = evidence.studies
    if evidence.kind in ("effect", "means"):
        return ()
    exact = exact_model(evidence, model)
    exact_row = _posterior_row(
        "exact", "exact likelihood", exact, (study_curve(s, exact) for s in studies), claim, UNCHANGED, prob
    )
    if not has_counts(studies):
        _, _, notes = effect_sizes(studies, model.measure)
        normal = (study_curve(s, with_likelihood(model, "normal")) for s in studies)
        changed = "; ".join(notes) or UNCHANGED
        return exact_row, _posterior_row("half-zero", "0.5 where needed", exact, normal, claim, changed, prob)
    rows = [exact_row]
    for name in policies_for(studies):
        corrected = correct(name, studies, model.measure)
        curves = [effect_curve(*pair) for pair in zip(corrected.y.tolist(), corrected.se.tolist(), strict=True)]
        rows.append(_posterior_row(name, POLICIES[name].label, exact, curves, claim, corrected.changed, prob))
    if evidence.kind == "single-arm":
        summed = next(e for e in pool(studies, prob=prob) if e.method == "summed counts")
        return *rows, _frequentist_row("summed", summed, "all trials taken as one")
    arms = [s for s in studies if isinstance(s, TwoArm)]
    if model.measure == "OR":
        conditional = with_likelihood(model, "conditional")
        curves = [study_curve(s, conditional) for s in arms]
        silent = [s.study for s, curve in zip(arms, curves, strict=True) if not is_informative(curve)]
        changed = f"nothing, but {listing(silent)} cannot say anything" if silent else UNCHANGED
        rows.append(_posterior_row("conditional", "conditional likelihood", conditional, curves, claim, changed, prob))
    return *rows, *_pooled_rows(arms, model.measure, prob)


def _posterior_row(
    name: str, label: str, model: Model, curves: Iterable[Curve], claim: Claim | None, changed: str, prob: float
) -> PolicyRow:
    kept = tuple(curve for curve in curves if is_informative(curve))
    row = PolicyRow(name, label, model.measure, True, math.nan, (math.nan, math.nan), None, changed)
    if not kept:
        return replace(row, note="no trial is left that says anything of the effect")
    mu = fit_posterior(Surface(kept), *shapes_of(model)).mu
    p_claim = None if claim is None else claim.probability(mu.p_gt(0.0))
    return replace(row, estimate=float(mu.quantile(0.5)), ci=mu.interval(prob), p_claim=p_claim)


def _pooled_rows(arms: Sequence[TwoArm], measure: str, prob: float) -> tuple[PolicyRow, ...]:
    """Mantel-Haenszel without and with RevMan's correction, and Peto; all of a common effect."""
    filled = [s for s in arms if s.n_t and s.n_c]
    tables = two_by_two(filled)
    silent = listing([*one_outcome_trials(filled), *(s.study for s in arms if s not in filled)])
    weightless = f"without weight: {silent}" if silent else ""
    zero = [s.study for s, table in zip(filled, tables, strict=True) if (table == 0).any()]
    corrected = [name for name in zero if name not in one_outcome_trials(filled)]
    revman = "; ".join(filter(None, (f"0.5 a cell added in {listing(corrected)}" if corrected else "", weightless)))
    plain, as_revman = (mantel_haenszel(tables, measure, correction, prob) for correction in ("none", "revman"))
    return (
        _frequentist_row("mantel-haenszel", plain, weightless or UNCHANGED),
        _frequentist_row("mantel-haenszel-revman", as_revman, revman or UNCHANGED),
        _frequentist_row("peto", peto(tables, prob), weightless or UNCHANGED),
    )


def _frequentist_row(name: str, estimate: Estimate, changed: str) -> PolicyRow:
    return PolicyRow(
        name,
        estimate.label,
        estimate.measure,
        False,
        estimate.estimate,
        estimate.ci,
        None,
        changed,
        estimate.note,
    )


def describe_policies(rows: Sequence[PolicyRow], claim: Claim | None) -> str:
    """Return one sentence for the panel: how far the answer moves with the treatment of zero cells."""
    if not rows:
        return "These data are no counts, so there are no zero cells to treat."
    exact = rows[0]
    value, low, high = exact.natural()
    start = f"The exact likelihood, which adds nothing to the counts, gives {exact.measure} {number(value)} "
    start += f"({interval(low, high)})"
    posteriors = [row for row in rows[1:] if row.is_posterior and row.p_claim is not None]
    if claim is None or not posteriors:
        medians = [row.natural()[0] for row in rows if row.measure == exact.measure and not math.isnan(row.estimate)]
        return f"{start}; over all {len(rows)} policies it lies between {interval(min(medians), max(medians))}."
    lowest = min(posteriors, key=lambda row: row.p_claim or 0.0)
    highest = max(posteriors, key=lambda row: row.p_claim or 0.0)
    start += f" and a probability of {claim.word} of {probability(exact.p_claim)}"
    if probability(lowest.p_claim) == probability(highest.p_claim):
        medians = [row.natural()[0] for row in posteriors]
        return (
            f"{start}; with {len(posteriors)} other ways to treat zero cells that is {probability(lowest.p_claim)}, "
            f"and the {exact.measure} {interval(min(medians), max(medians))}."
        )
    return (
        f"{start}; {len(posteriors)} other ways to treat zero cells give from {probability(lowest.p_claim)} "
        f"({lowest.label}) to {probability(highest.p_claim)} ({highest.label})."
    )
