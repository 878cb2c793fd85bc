"""Sentences a reader needs beside the numbers of one model: what the answer leans on."""

from bayes_ivig.effects import named
from bayes_ivig.evidence import Evidence
from bayes_ivig.profiles import LIKELIHOODS
from bayes_ivig.spec import Model
from bayes_ivig.studies import Paired, PairedMargins, Study


def model_notes(evidence: Evidence, model: Model) -> list[str]:
    """What to know of this model on this evidence before reading its numbers."""
    notes = []
    if len(evidence.studies) == 1 and model.effect == "random":
        notes.append("With one trial the posterior of tau is its prior: the data say nothing about heterogeneity.")
    elif len(evidence.studies) <= 5 and model.effect == "random":
        notes.append(f"With {len(evidence.studies)} trials the posterior of tau is mostly its prior.")
    if model.has_baseline:
        place = "the midpoint of the two logits" if model.parametrisation == "midpoint" else "the control risk"
        notes.append(
            f"Baseline prior: {model.priors['baseline'].text} on {place} of each trial. With zero cells this choice "
            "matters more than any other."
        )
    if model.likelihood == "conditional":
        notes.append("The conditional model has no baseline risk: it gives the OR, and no risk in these trials.")
        notes += LIKELIHOODS["conditional"].make_data(evidence.studies, model.measure).notes
    if model.likelihood == "crossover":
        notes += _crossover_notes(evidence.studies, model)
    return notes


def _crossover_notes(studies: tuple[Study, ...], model: Model) -> tuple[str, ...]:
    single = [isinstance(study, Paired) and study.n_t + study.n_c > 0 for study in studies]
    return (
        "The effect is the marginal OR, comparable with parallel trials, not the OR within a patient. Association "
        f"prior: {model.priors['association'].text} on the log odds ratio within patients, in each trial.",
        *named(
            "Known by margins only, summed over every table that has them",
            studies,
            [isinstance(study, PairedMargins) for study in studies],
        ),
        *named(
            "With patients who had one treatment only, which rests on crossing being decided by the recorded "
            "first-period outcome alone, and on no period, sequence or carry-over effect",
            studies,
            single,
        ),
    )
