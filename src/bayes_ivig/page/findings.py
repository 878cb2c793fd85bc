"""The Summary of Findings in GRADE's form: what a guideline panel reads first.

The columns follow the GRADE guidelines 12 (Guyatt GH et al., J Clin Epidemiol 2013;66:158-172); the probabilities
stand where such a table has none. Certainty is a human judgement: its cells are empty fields.
"""

from bayes_ivig.page.answer import change_per_100
from bayes_ivig.page.blocks import Cell, Section, Table
from bayes_ivig.page.outcome import Outcome
from bayes_ivig.wording import probability, with_interval

CERTAINTY = ("", "high", "moderate", "low", "very low")
_HEADER = (
    "Outcome",
    "Patients (trials)",
    "Assumed risk per 100 and its source",
    "Risk with treatment per 100",
    "Difference per 100",
    "Relative effect",
    "P(benefit) or P(harm)",
    "P(beyond a threshold)",
    "Certainty",
    "Reasons for the rating",
)


def findings_section(outcomes: tuple[Outcome, ...]) -> Section:
    """Make the table, one row an outcome."""
    probs = sorted({o.interval_name for o in outcomes})
    note = (
        f"Posterior medians with equal-tailed intervals ({', '.join(probs)}). Assumed risk: what the model finds under "
        "the control treatment in these trials, weighted by patients, unless a control risk was chosen. Relative "
        "effect: that of the average trial. The certainty is left for the panel to judge and fill in."
    )
    rows = tuple(_row(outcome) for outcome in outcomes)
    return Section("findings", "Summary of findings", (Table("Summary of findings", _HEADER, rows, 99, note),))


def _row(outcome: Outcome) -> tuple[Cell, ...]:
    what, p = outcome.certainty
    assumed, treated, difference = _risks(outcome)
    return (
        Cell(outcome.title, link=outcome.id, tone="alarm" if outcome.failed else ""),
        Cell(outcome.trials),
        Cell(assumed),
        Cell(treated),
        Cell(difference),
        Cell(f"{outcome.measure} {outcome.natural(outcome.fit['mu'])}" if outcome.measure != "rate" else "-"),
        Cell("-" if p is None else f"P({what}) {probability(p)}"),
        Cell(_thresholds(outcome), live=f"threshold:{outcome.id}"),
        Cell("", field=f"Certainty of {outcome.title}", choices=CERTAINTY),
        Cell("", field=f"Reasons for the certainty of {outcome.title}"),
    )


def _risks(outcome: Outcome) -> tuple[str, str, str]:
    absolute, chosen = outcome.absolute, outcome.chosen
    if chosen is not None:
        effects = chosen["average_trial"]
        treated = with_interval(effects["per_100_treated"]["median"], effects["per_100_treated"]["ci"])
        change = with_interval(effects["per_100_difference"]["median"], effects["per_100_difference"]["ci"])
        return f"{chosen['control_risk']}, chosen", treated, change
    if absolute is not None:
        control, with_treatment = absolute["per_100_control"], absolute["per_100_treated"]
        return (
            f"{with_interval(control['median'], control['ci'])}, control groups",
            with_interval(with_treatment["median"], with_treatment["ci"]),
            change_per_100(outcome),
        )
    if outcome.measure == "rate":
        from bayes_ivig.effects import to_natural

        mu = outcome.fit["mu"]
        median, low, high = (100 * float(to_natural("rate", x)) for x in (mu["median"], *mu["ci"]))
        return "no control group", with_interval(median, (low, high)), "-"
    return "-", "-", outcome.natural(outcome.fit["mu"])


def _thresholds(outcome: Outcome) -> str:
    """What the run says without a script: the probability of so many more (fewer) patients per 100."""
    absolute = outcome.absolute
    if absolute is None or absolute["NNT"] is None or outcome.evidence.role == "harm":
        return "-"
    below = absolute["NNT"]["p_below"]
    return "; ".join(f"at least {100 // int(n)} per 100 better: {probability(below[n])}" for n in ("10", "5"))
