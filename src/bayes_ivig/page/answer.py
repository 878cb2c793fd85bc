"""The answer in plain words: natural frequencies first, then how sure we can be."""

from bayes_ivig.page.blocks import Block, Paragraph, People, Section
from bayes_ivig.page.outcome import Outcome
from bayes_ivig.wording import number, probability


def answer_section(question: str, outcomes: tuple[Outcome, ...]) -> Section:
    """Answer the review's question, one part an outcome."""
    blocks: tuple[Block, ...] = (Paragraph(question, "lead"),) if question else ()
    parts = tuple(Section(f"answer-{o.id}", o.title, answer(o)) for o in outcomes)
    return Section("answer", "The question and the answer", blocks, parts)


def answer(outcome: Outcome) -> tuple[Block, ...]:
    """Say what the posterior of one outcome means, in people where it can be."""
    blocks: list[Block] = []
    if outcome.failed:
        names = "; ".join(outcome.failed)
        blocks.append(Paragraph(f"CHECK FAILED ({names}). Do not use these numbers; see the checks below.", "alarm"))
    blocks.append(Paragraph(" ".join(filter(None, (_effect(outcome), _certainty(outcome), _next(outcome)))), "lead"))
    if not outcome.sampled:
        blocks.append(Paragraph("Computed by quadrature alone: not checked by sampling.", "note"))
    absolute = outcome.absolute
    evidence = outcome.evidence
    if absolute is not None:
        counts = (absolute["per_100_treated"]["median"], absolute["per_100_control"]["median"])
        labels = (f"with {evidence.treatment}", f"with {evidence.control}")
        blocks.append(People(labels, counts, outcome.title))
    elif outcome.measure == "rate":
        median = 100 * _rate(outcome.fit["mu"]["median"])
        blocks.append(People((f"with {evidence.treatment}",), (median,), outcome.title))
    return tuple(blocks)


def _rate(logit: float) -> float:
    from bayes_ivig.effects import to_natural

    return float(to_natural("rate", logit))


def _whole(x: float) -> str:
    """A number of people among 100; never a rounded zero or hundred."""
    if 0 < x < 0.5:
        return "fewer than 1"
    if 99.5 < x < 100:
        return "more than 99"
    return f"{x:.0f}"


def _effect(outcome: Outcome) -> str:
    absolute, evidence, fit = outcome.absolute, outcome.evidence, outcome.fit
    if absolute is not None:
        treated, control = absolute["per_100_treated"], absolute["per_100_control"]
        return (
            f"Of 100 patients in trials like these, about {_whole(treated['median'])} have this outcome with "
            f"{evidence.treatment} ({outcome.interval_name} {_whole(treated['ci'][0])} to {_whole(treated['ci'][1])}) "
            f"and about {_whole(control['median'])} with {evidence.control} "
            f"({_whole(control['ci'][0])} to {_whole(control['ci'][1])})."
        )
    if outcome.measure == "rate":
        median, low, high = (100 * _rate(x) for x in (fit["mu"]["median"], *fit["mu"]["ci"]))
        return (
            f"Of 100 patients with {evidence.treatment}, about {_whole(median)} have this outcome "
            f"({outcome.interval_name} {_whole(low)} to {_whole(high)})."
        )
    return (
        f"The {outcome.measure_name} of {evidence.treatment} against {evidence.control} is "
        f"{outcome.natural(fit['mu'])} ({outcome.interval_name} in brackets)."
    )


def _certainty(outcome: Outcome) -> str:
    what, p = outcome.certainty
    evidence = outcome.evidence
    if p is None:
        return f"The data are those of {outcome.trials}."
    does = "raises the risk of this harm" if what == "harm" else "helps, on average over such trials,"
    return (
        f"Given the data of {outcome.trials}, the model and its priors, the probability that {evidence.treatment} "
        f"{does.rstrip(',')} is {probability(p)}."
    )


def _next(outcome: Outcome) -> str:
    p = outcome.fit["p_benefit_new"]
    if p is None or outcome.fit["tau"] is None:
        return ""
    return f"That it would help in a new trial of the same kind: {probability(p)}."


def change_per_100(outcome: Outcome) -> str:
    """Return the difference in events per 100 with its interval, in words; "-" where there are no risks."""
    absolute = outcome.absolute
    if absolute is None:
        return "-"
    difference = absolute["per_100_difference"]
    low, high = difference["ci"]
    median = difference["median"]
    direction = "more" if median >= 0 else "fewer"
    sign = 1 if median >= 0 else -1
    ends = sorted((sign * low, sign * high))
    words = [number(e) if e >= 0 else f"{number(-e)} {'fewer' if direction == 'more' else 'more'}" for e in ends]
    return f"{number(abs(median))} {direction} ({words[0]} to {words[1]})"
