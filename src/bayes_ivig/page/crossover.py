"""The crossover block: patients paired or not, the association within patients, and how far that could matter."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from bayes_ivig.checks import Check
from bayes_ivig.crossover_view import Association, CrossoverView
from bayes_ivig.evidence import Evidence
from bayes_ivig.page.blocks import Block, Paragraph, Picture, Section, table
from bayes_ivig.page.outcome import Outcome
from bayes_ivig.present_crossover import Rows, crossover_parts
from bayes_ivig.sensitivity.association import AssociationSweep, sweep_association
from bayes_ivig.sensitivity.setting import Direction, Setting
from bayes_ivig.spec import Model
from bayes_ivig.studies import TwoArm
from bayes_ivig.summary import Summary

FIGURE = "association"


def crossover_section(outcome: Outcome) -> tuple[Section, ...]:
    """Make the section from the fit's own block and the sweep; nothing where the model is not of crossover trials."""
    found = outcome.fit.get("crossover")
    if not found:
        return ()
    blocks: list[Block] = []
    for part in crossover_parts(read_view(found), outcome.fit["priors"]["association"]):
        if isinstance(part, Rows):
            blocks.append(table(part.title, part.header, list(part.rows), numeric_from=part.numeric_from))
        else:
            blocks.append(Paragraph(part))
    sentence = str(outcome.sensitivity.get("association_sentence", ""))
    if sentence:
        blocks.append(Paragraph(sentence))
    if FIGURE in outcome.svg:
        alt = f"Average effect and its probability against the association within patients. {sentence}".strip()
        caption = "How far the association within patients could matter: the effect with lambda fixed, end to end."
        picture = Picture(f"{outcome.id}-{FIGURE}", outcome.svg[FIGURE], alt, caption, outcome.png.get(FIGURE, b""))
        blocks.append(picture)
    return (Section(f"{outcome.id}-crossover", "Crossover: patients paired or not", tuple(blocks)),)


def read_view(found: Mapping[str, Any]) -> CrossoverView:
    """The crossover block of a fit from its JSON."""

    def summary(values: Mapping[str, Any]) -> Summary:
        return Summary(**{**values, "ci": tuple(values["ci"])})

    first, conditional = found["first_period"], found["conditional"]
    return CrossoverView(
        crossover=summary(found["crossover"]),
        parallel=summary(found["parallel"]),
        associations=MappingProxyType({prior: summary(values) for prior, values in found["associations"].items()}),
        first_period=None if first is None else summary(first),
        first_periods=tuple(TwoArm(**row) for row in found["first_period_tables"]),
        conditional=None if conditional["mu"] is None else summary(conditional["mu"]),
        conditional_notes=tuple(conditional["notes"]),
        within=tuple(
            Association(row["study"], summary(row["lambda"]), summary(row["conditional_log_or"]))
            for row in found["association"]
        ),
    )


@dataclass(frozen=True)
class _Swept:
    """What the figure of the sweep needs."""

    evidence: Evidence
    model: Model
    prob: float
    direction: Direction
    association: AssociationSweep

    @property
    def failed(self) -> tuple[Check, ...]:
        """No check of an exact answer fails."""
        return ()


def sweep_and_draw(evidence: Evidence, model: Model, prob: float) -> dict[str, str]:
    """The sentence and the figure (SVG) of the sweep over every association, for a model of crossover trials."""
    from bayes_ivig.plots.association import draw_association
    from bayes_ivig.plots.style import house_style

    setting = Setting(evidence, model, prob)
    sweep = sweep_association(setting)
    assert sweep is not None
    text = io.StringIO()
    with house_style():
        figure = draw_association(_Swept(evidence, model, prob, setting.direction, sweep))
        figure.savefig(text, format="svg", metadata={"Date": None})
    return {"sentence": sweep.sentence, "svg": text.getvalue()}
