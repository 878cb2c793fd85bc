"""The whole report as one value: what every format is written from."""

from dataclasses import dataclass

from bayes_ivig import __version__
from bayes_ivig.page.answer import answer_section
from bayes_ivig.page.blocks import Block, Bullets, Code, Live, Paragraph, Section
from bayes_ivig.page.checklist import checklist_section
from bayes_ivig.page.findings import findings_section
from bayes_ivig.page.methods import methods_section
from bayes_ivig.page.outcome import Outcome
from bayes_ivig.page.results import result_sections
from bayes_ivig.page.trials import evidence_section, record_section
from bayes_ivig.reviews import Review


@dataclass(frozen=True, eq=False)
class Report:
    """A review (None: a user's own files), its analysed outcomes, and the commands that make them again."""

    review: Review | None
    outcomes: tuple[Outcome, ...]
    commands: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that there is something to report."""
        if not self.outcomes:
            raise ValueError("a report needs at least one outcome")

    @property
    def title(self) -> str:
        """The report's title."""
        if self.review is not None:
            return self.review.title
        return "Bayesian re-analysis: " + ", ".join(o.title for o in self.outcomes)

    @property
    def question(self) -> str:
        """The review's question, "" where none is known."""
        return self.review.question if self.review is not None else ""

    @property
    def failed(self) -> tuple[str, ...]:
        """Titles of the outcomes with a failed check."""
        return tuple(o.title for o in self.outcomes if o.failed)

    def sections(self) -> tuple[Section, ...]:
        """Every section in the order of the page."""
        parts = tuple(
            Section(o.id, o.title, (), (evidence_section(o, self.review), *result_sections(o))) for o in self.outcomes
        )
        record = (record_section(self.review),) if self.review is not None else ()
        return (
            answer_section(self.question, self.outcomes),
            findings_section(self.outcomes),
            _live_section(self),
            *parts,
            *record,
            methods_section(self.outcomes),
            checklist_section(self),
            _provenance_section(self),
        )


def _live_section(report: Report) -> Section:
    if not any(o.surfaces for o in report.outcomes):
        text = "This report carries no likelihood surfaces, so its priors cannot be moved here."
        return Section("live", "Other priors", (Paragraph(text, "note"),))
    text = (
        "On the page, every prior can be moved here, and the posterior, the forest plot and the numbers follow. "
        "It needs scripts, which are off or not available here; the tables and figures stand for the run's own priors."
    )
    return Section("live", "Other priors: what if?", (Live(text),))


def _provenance_section(report: Report) -> Section:
    blocks: list[Block] = [Paragraph(f"Written by bayes-ivig {__version__}.")]
    if report.commands:
        blocks.append(Paragraph("To make these results again:"))
        blocks += [Code(command) for command in report.commands]
    lines = []
    for o in report.outcomes:
        p = o.fit["provenance"]
        how = f"stored run {o.stored}" if o.stored else "computed for this report"
        checked = "" if o.sampled else "; not checked by sampling"
        lines.append(
            f"{o.title}: {how}{checked}; engine {o.fit['engine']}, version {p['version']}, Python {p['python']}, "
            f"seed {p['seed']}, data SHA-256 {p['data_sha256']}."
        )
    blocks.append(Bullets(tuple(lines), "Runs"))
    packages = {k: v for o in report.outcomes for k, v in o.fit["provenance"]["packages"].items()}
    blocks.append(Paragraph("Packages: " + ", ".join(f"{k} {v}" for k, v in packages.items()) + "."))
    return Section("provenance", "Provenance", tuple(blocks))
