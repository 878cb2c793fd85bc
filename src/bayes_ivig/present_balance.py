"""Benefit and harm together, for a reader at a terminal."""

from rich.console import Group, RenderableType
from rich.text import Text

from bayes_ivig.net_benefit import Balance
from bayes_ivig.present import table
from bayes_ivig.summary import Summary
from bayes_ivig.wording import number, percent, probability, with_interval

COUPLED = {
    "independent": "independent (the answer)",
    "comonotone": "extreme: where the gain is large, so is the harm",
    "antimonotone": "extreme: where the gain is large, the harm is small",
}


def balance_view(result: Balance, folder: str | None) -> RenderableType:
    """Gain and harm, the net benefit at the weight, what the weight decides, and the assumptions."""
    benefit, harm = result.benefit, result.harm
    head = f"median ({percent(result.prob)} interval)"
    rows = [
        (f"gain: {benefit.title or benefit.outcome}", *_cells(result.gain_summary)),
        (f"harm: {harm.title or harm.outcome}", *_cells(result.harm_summary)),
    ]
    net = [(COUPLED[one.coupling], *_cells(one.net)[:1], probability(one.p)) for one in result.results]
    low, high = result.p_bounds
    net.append(("any dependence at all", "", f"{probability(low)} to {probability(high)}"))
    parts: list[RenderableType] = [
        Text(""),
        Text(f"{benefit.title or benefit.outcome} against {harm.title or harm.outcome}", style="bold"),
        Text(f"{benefit.review} | {benefit.treatment} against {benefit.control}, per 100 patients in the trials"),
        table("More patients per 100 on treatment", ("", head, "P(above 0)"), rows),
        table(
            f"Net benefit, gain - {result.weight:g} x harm, per 100",
            ("dependence of gain and harm", head, "P(above 0)"),
            net,
        ),
        Text(_weights(result)),
    ]
    parts.extend(Text(f"Assumption: {text}") for text in result.assumptions)
    for name, model in zip((benefit.outcome, harm.outcome), result.models, strict=True):
        priors = ", ".join(f"{key} {model.priors[key].text}" for key in model.needed)
        parts.append(Text(f"Model of {name}: {model.name}; priors {priors}."))
    parts.append(
        Text(
            f"{len(result.gain):,} independent draws of each exact posterior; Monte-Carlo error of a probability at "
            f"most {number(result.mcse)}, twice that for any dependence."
        )
    )
    if folder:
        parts.append(Text(f"Written to {folder}"))
    return Group(*parts)


def _cells(summary: Summary) -> tuple[str, str]:
    return with_interval(summary.median, summary.ci), probability(summary.p_gt_0)


def _weights(result: Balance) -> str:
    if result.even is None:
        return "No weight makes a net benefit as likely as not."
    sure = "" if result.sure is None else f"; it is at least 0.95 up to a weight of {number(result.sure)}"
    return (
        f"A net benefit is as likely as not where one harmed patient weighs as much as {number(result.even)} helped"
        f"{sure} (independent)."
    )
