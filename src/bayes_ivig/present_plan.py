"""A plan for a reader at a terminal."""

from rich.console import Group, RenderableType
from rich.text import Text

from bayes_ivig.effects import to_natural
from bayes_ivig.plan.as_json import natural_ratio, notes
from bayes_ivig.plan.assurance import TARGETS, Counts, Plan
from bayes_ivig.present import table
from bayes_ivig.wording import number, percent, probability, with_interval


def plan_view(plan: Plan, folder: str | None = None) -> RenderableType:
    """The table of sizes, what is reachable, and what all of it rests on."""
    question, evidence = plan.question, plan.question.evidence
    measure, model = question.model.measure, question.model
    title = f"{evidence.title or evidence.outcome}: what a {question.design.kind} trial more would show"
    low, high = (float(to_natural(measure, x)) for x in plan.now.ci)
    now = with_interval(float(to_natural(measure, plan.now.median)), (low, high))
    parts: list[RenderableType] = [
        Text(""),
        Text(title, style="bold"),
        Text(f"{evidence.review} | {model.likelihood} model, {measure}, {model.effect} effect"),
        Text(f"Now: {measure} {now}, probability of benefit {probability(plan.p_benefit_now)}"),
    ]
    if plan.failed:
        parts.append(
            Text(f"CHECK FAILED ({'; '.join(c.name for c in plan.failed)}): do not use these numbers.", "bold red")
        )
    header = (
        "patients",
        "chance for benefit",
        "chance against",
        "limits apart",
        f"events, {evidence.treatment}",
        f"events, {evidence.control}",
    )
    rows = [
        (
            str(row.patients),
            f"{row.assurance:.3f} ± {row.assurance_se:.3f}",
            probability(row.against),
            f"{number(natural_ratio(plan, row.width))}-fold",
            _events(row.events_t),
            _events(row.events_c),
        )
        for row in plan.rows
    ]
    rows.append(("infinitely many", f"{plan.limit:.3f}", probability(plan.limit_against), "", "", ""))
    parts.append(table("", header, rows))
    parts.append(
        Text(
            f"Chance for benefit: that the analysis with this trial has P(benefit) > {question.threshold:g}; against: "
            f"that it has P(benefit) < {1 - question.threshold:g}. Limits apart: upper over lower "
            f"{percent(question.prob)} limit of the {measure}, geometric mean. Events of the new trial: median and "
            f"{percent(question.prob)} interval."
        )
    )
    for target in TARGETS:
        parts.append(Text(f"Smallest size with {percent(target)} assurance: {plan.smallest_text(target)}"))
    parts.extend(Text(f"Note: {note}") for note in (*evidence.notes, *notes(plan)))
    priors = ", ".join(f"{key} {model.priors[key].text}" for key in model.needed)
    parts.append(Text(f"Priors of the analysis: {priors}. Intervals are equal-tailed."))
    if folder:
        parts.append(Text(f"Written to {folder}"))
    return Group(*parts)


def _events(counts: Counts) -> str:
    return f"{counts.median:g} ({counts.low:g} to {counts.high:g})"
