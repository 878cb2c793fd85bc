"""A reporting checklist that the program fills in from the run: met, not met or not applicable, and where to look.

Items, in our words, after
- ROBUST: Sung L et al. J Clin Epidemiol 2005;58:261-268 (seven items);
- BARG: Kruschke JK. Bayesian analysis reporting guidelines. Nat Hum Behav 2021;5:1282-1291, table 1;
- BayesWatch: Spiegelhalter DJ, Myles JP, Jones DR, Abrams KR. Health Technol Assess 2000;4(38);
- the Cochrane Handbook on crossover trials: version 5.1, section 16.4.7, and version 6.5, chapter 23, section 23.2.

An item is decided by a function of the report; where the program cannot know, it says so and leaves it not met.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bayes_ivig.page.blocks import Cell, Paragraph, Section, Table
from bayes_ivig.page.methods import prior_source
from bayes_ivig.page.outcome import Outcome

if TYPE_CHECKING:
    from bayes_ivig.page.report import Report

MET, NOT_MET, NOT_APPLICABLE = "met", "not met", "not applicable"
SOURCES = (
    "ROBUST: Sung L, Hayden J, Greenberg ML, Koren G, Feldman BM, Tomlinson GA. Seven items were identified for "
    "inclusion when reporting a Bayesian analysis of a clinical study. J Clin Epidemiol 2005;58:261-268.",
    "BARG: Kruschke JK. Bayesian analysis reporting guidelines. Nat Hum Behav 2021;5:1282-1291.",
    "BayesWatch: Spiegelhalter DJ, Myles JP, Jones DR, Abrams KR. Bayesian methods in health technology assessment: a "
    "review. Health Technol Assess 2000;4(38).",
    "Cochrane: Higgins JPT, Eldridge S, Li T. Chapter 23, section 23.2 (crossover trials), Cochrane Handbook version "
    "6.5, 2024; and section 16.4.7 of version 5.1, 2011.",
)


@dataclass(frozen=True)
class Verdict:
    """Status of an item, why, and the anchor where a reader sees it."""

    status: str
    why: str
    anchor: str = ""


@dataclass(frozen=True)
class Item:
    """One item of a checklist."""

    id: str
    text: str
    decide: "Callable[[Report], Verdict]"


def checklist_section(report: "Report") -> Section:
    """Make the table of all items with their verdicts."""
    rows = []
    for item in ITEMS:
        verdict = item.decide(report)
        tone = {MET: "good", NOT_MET: "alarm", NOT_APPLICABLE: ""}[verdict.status]
        rows.append(
            (
                Cell(item.id),
                Cell(item.text),
                Cell(verdict.status, tone=tone),
                Cell(verdict.why, link=verdict.anchor),
            )
        )
    table = Table(
        "Reporting checklist, filled in by the program from this run",
        ("Item", "Asks for", "Status", "Why and where"),
        tuple(rows),
    )
    return Section("checklist", "Reporting checklist", (table, *(Paragraph(source, "note") for source in SOURCES)))


def _first(outcomes: Iterable[Outcome]) -> str:
    return ", ".join(o.title for o in outcomes)


def _all(
    report: "Report", good: Callable[[Outcome], bool], met: str, missing: str, anchor: Callable[[Outcome], str]
) -> Verdict:
    """Met where it holds for every outcome; else the outcomes are named."""
    bad = [o for o in report.outcomes if not good(o)]
    if bad:
        return Verdict(NOT_MET, f"{missing}: {_first(bad)}", anchor(bad[0]))
    return Verdict(MET, met, anchor(report.outcomes[0]))


def _methods(outcome: Outcome) -> str:
    return "methods"


def _part(name: str) -> Callable[[Outcome], str]:
    return lambda outcome: f"{outcome.id}-{name}"


def _priors_given(report: "Report") -> Verdict:
    def given(o: Outcome) -> bool:
        return all(o.fit["priors"].get(key) for key in o.model.needed)

    return _all(report, given, "every prior with its density", "a prior is not stated", _methods)


def _priors_justified(report: "Report") -> Verdict:
    def justified(o: Outcome) -> bool:
        return all(prior_source(o, key) for key in o.model.needed)

    return _all(report, justified, "every prior has a source", "a prior without a source", _methods)


def _sensitivity(report: "Report") -> Verdict:
    return _all(
        report,
        lambda o: bool(o.sensitivity),
        "other priors, tabulated",
        "no sensitivity analysis was run",
        _part("sensitivity"),
    )


def _movable(report: "Report") -> Verdict:
    return _all(
        report,
        lambda o: bool(o.surfaces),
        "every prior can be moved on the page",
        "no likelihood surface on the page",
        lambda o: "live",
    )


def _model(report: "Report") -> Verdict:
    return _all(
        report,
        lambda o: bool(o.fit["model"] and o.fit["effect"]),
        "likelihood and hierarchy in full",
        "no model is stated",
        _methods,
    )


def _computation(report: "Report") -> Verdict:
    def known(o: Outcome) -> bool:
        return any(o.fit["engines"].get(engine) for engine in ("nuts", "quadrature"))

    return _all(report, known, "engines and their settings", "the engine is not stated", _methods)


def _central(report: "Report") -> Verdict:
    return _all(
        report, lambda o: o.fit["mu"]["median"] is not None, "posterior medians and means", "no median", _part("forest")
    )


def _variance(report: "Report") -> Verdict:
    def known(o: Outcome) -> bool:
        return all(x is not None for x in o.fit["mu"]["ci"])

    return _all(report, known, "equal-tailed intervals and SDs", "no interval", _part("prior-posterior"))


def _question(report: "Report") -> Verdict:
    if report.question:
        return Verdict(MET, "the review's question", "answer")
    return Verdict(NOT_MET, "the data carry no question; the program cannot write one", "answer")


def _definitions(report: "Report") -> Verdict:
    return _all(
        report,
        lambda o: bool(o.evidence.definition),
        "what was counted, per outcome",
        "no definition of the outcome",
        _part("evidence"),
    )


def _provenance(report: "Report") -> Verdict:
    return _all(
        report,
        lambda o: bool(o.fit["provenance"]["packages"]),
        "versions of every package",
        "no versions",
        lambda o: "provenance",
    )


def _converged(report: "Report") -> Verdict:
    return _sampler_check(report, "R-hat", "R-hat of every parameter within its limit")


def _resolution(report: "Report") -> Verdict:
    return _sampler_check(report, "ESS", "effective sample sizes within their limits")


def _sampler_check(report: "Report", word: str, met: str) -> Verdict:
    sampled = [o for o in report.outcomes if o.sampled]
    if not sampled:
        return Verdict(NOT_APPLICABLE, "no chain was run: the quadrature has none", "methods")
    for o in sampled:
        checks = [c for c in o.fit["checks"] if word in c["name"]]
        if not checks or not all(c["passed"] for c in checks):
            return Verdict(NOT_MET, f"{word} failed or missing: {o.title}", f"{o.id}-checks")
    return Verdict(MET, met, f"{sampled[0].id}-checks")


def _not_mcmc(report: "Report") -> Verdict:
    computed = [o for o in report.outcomes if o.fit["engines"].get("quadrature")]
    if not computed:
        return Verdict(NOT_APPLICABLE, "every outcome was sampled")
    for o in computed:
        if not any("quadrature" in c["name"].lower() for c in o.fit["checks"]):
            return Verdict(NOT_MET, f"no error estimate of the quadrature: {o.title}", f"{o.id}-checks")
    return Verdict(MET, "the quadrature's own error estimate", f"{computed[0].id}-checks")


def _engines_agree(report: "Report") -> Verdict:
    def compared(o: Outcome) -> bool:
        return bool(o.fit["engines"].get("agreement"))

    return _all(report, compared, "two engines compared", "not computed by both engines", _part("checks"))


def _predictive(report: "Report") -> Verdict:
    return _all(
        report,
        lambda o: "predictive-check" in o.svg,
        "posterior predictive check",
        "no posterior predictive check",
        _part("checks"),
    )


def _prior_predictive(report: "Report") -> Verdict:
    return _all(
        report,
        lambda o: "prior-posterior" in o.svg,
        "the prior and what it implies for a new trial are drawn",
        "the prior is not drawn",
        _part("prior-posterior"),
    )


def _no_decision(report: "Report") -> Verdict:
    return Verdict(
        NOT_APPLICABLE,
        "the program reports probabilities and takes no decision; thresholds are the reader's",
        "findings",
    )


def _bayes_factors(report: "Report") -> Verdict:
    return Verdict(NOT_APPLICABLE, "no Bayes factor or model probability is claimed")


def _seed(report: "Report") -> Verdict:
    return _all(
        report,
        lambda o: o.fit["provenance"]["seed"] is not None,
        "seed of every run",
        "no seed",
        lambda o: "provenance",
    )


def _data_known(report: "Report") -> Verdict:
    return _all(
        report,
        lambda o: bool(o.fit["provenance"]["data_sha256"]),
        "SHA-256 of the data",
        "no checksum of the data",
        lambda o: "provenance",
    )


def _command(report: "Report") -> Verdict:
    if report.commands:
        return Verdict(MET, "the commands to run it again", "provenance")
    return Verdict(NOT_MET, "no command is recorded", "provenance")


def _sourced(report: "Report") -> Verdict:
    return _all(
        report,
        lambda o: bool(o.evidence.rows) and all(row.get("source") for row in o.evidence.rows),
        "a source for every trial",
        "trials without a source",
        _part("evidence"),
    )


def _limits(report: "Report") -> Verdict:
    if report.review is None:
        return Verdict(NOT_MET, "limitations of a user's data are not known to the program", "answer")
    if not report.review.faults:
        return Verdict(NOT_MET, "no known fault of the record is listed", "record")
    return Verdict(MET, "known faults of the published record", "record")


def _crossover(o: Outcome) -> bool:
    return o.evidence.kind == "crossover" or any("crossover" in row.get("design", "") for row in o.evidence.rows)


def _of_crossover(report: "Report", decide: Callable[[list[Outcome]], Verdict]) -> Verdict:
    concerned = [o for o in report.outcomes if _crossover(o)]
    return decide(concerned) if concerned else Verdict(NOT_APPLICABLE, "no crossover trial among these data")


def _design_named(report: "Report") -> Verdict:
    def decide(outcomes: list[Outcome]) -> Verdict:
        bad = [o for o in outcomes if not all(row.get("design") for row in o.evidence.rows)]
        if bad:
            return Verdict(NOT_MET, f"the design of a trial is not recorded: {_first(bad)}", f"{bad[0].id}-evidence")
        return Verdict(MET, "the design of each trial", f"{outcomes[0].id}-evidence")

    return _of_crossover(report, decide)


def _paired(report: "Report") -> Verdict:
    def decide(outcomes: list[Outcome]) -> Verdict:
        def paired(o: Outcome) -> bool:
            return o.model.likelihood in ("crossover", "normal", "single-arm") or any(
                surface.get("likelihood") == "crossover" for surface in o.surfaces
            )

        bad = [o for o in outcomes if not paired(o)]
        if bad:
            return Verdict(NOT_MET, f"periods are read as independent arms: {_first(bad)}", f"{bad[0].id}-evidence")
        return Verdict(MET, "analysed with the pairing, or beside it on the page", "live")

    return _of_crossover(report, decide)


def _parallel_against_crossover(report: "Report") -> Verdict:
    def decide(outcomes: list[Outcome]) -> Verdict:
        bad = [
            o
            for o in outcomes
            if "parallel against crossover" not in [name.replace("_", " ") for name in o.sensitivity]
        ]
        if bad:
            return Verdict(
                NOT_MET, f"no parallel-against-crossover comparison: {_first(bad)}", f"{bad[0].id}-sensitivity"
            )
        return Verdict(MET, "parallel against crossover", f"{outcomes[0].id}-sensitivity")

    return _of_crossover(report, decide)


def _once(report: "Report") -> Verdict:
    def decide(outcomes: list[Outcome]) -> Verdict:
        bad = [o for o in outcomes if o.fit["n_participants"] is None]
        if bad:
            return Verdict(NOT_MET, f"patients are not counted: {_first(bad)}", f"{bad[0].id}-evidence")
        return Verdict(MET, "each patient is counted once", "findings")

    return _of_crossover(report, decide)


def _carry_over(report: "Report") -> Verdict:
    def decide(outcomes: list[Outcome]) -> Verdict:
        if report.review is not None and any("period" in fault or "cross" in fault for fault in report.review.faults):
            return Verdict(MET, "what is known of periods and of who crossed", "record")
        return Verdict(NOT_MET, "nothing is recorded of carry-over or period effects", f"{outcomes[0].id}-evidence")

    return _of_crossover(report, decide)


ITEMS = (
    Item("ROBUST 1", "Prior: what it is", _priors_given),
    Item("ROBUST 2", "Prior: why it was chosen", _priors_justified),
    Item("ROBUST 3", "Prior: how the answer depends on it", _sensitivity),
    Item("ROBUST 4", "Analysis: the statistical model", _model),
    Item("ROBUST 5", "Analysis: how it was computed", _computation),
    Item("ROBUST 6", "Results: central tendency", _central),
    Item("ROBUST 7", "Results: SD or interval", _variance),
    Item("BARG preamble", "Goals of the analysis", _question),
    Item("BARG 1A", "The data: outcome and predictors", _definitions),
    Item("BARG 1B", "Likelihood and parameters", _model),
    Item("BARG 1C", "Prior, explained and justified", _priors_justified),
    Item("BARG 1D", "Formal specification", _priors_given),
    Item("BARG 1E", "What the prior predicts", _prior_predictive),
    Item("BARG 2A", "Software", _provenance),
    Item("BARG 2B", "Convergence of the chains", _converged),
    Item("BARG 2C", "Resolution of the chains", _resolution),
    Item("BARG 2D", "Accuracy where no chain was run", _not_mcmc),
    Item("BARG 3A", "Posterior predictive check", _predictive),
    Item("BARG 3B", "The posterior of each quantity", _variance),
    Item("BARG 3C", "Bayes factors and model probabilities", _bayes_factors),
    Item("BARG 4", "Decisions and their criteria", _no_decision),
    Item("BARG 5", "Sensitivity to the prior", _sensitivity),
    Item("BARG 6A-B", "Data and commands to run it again", _command),
    Item("BARG 6F", "Seeds, so that it gives the same numbers", _seed),
    Item("BayesWatch 1", "Intervention and aim", _question),
    Item("BayesWatch 2", "Design of the studies", _design_named),
    Item("BayesWatch 3", "Outcome measure", _definitions),
    Item("BayesWatch 4", "Statistical model", _model),
    Item("BayesWatch 5", "Prior distributions", _priors_justified),
    Item("BayesWatch 6", "Loss function or demands", _no_decision),
    Item("BayesWatch 7", "Computation and software", _computation),
    Item("BayesWatch 8", "Evidence from the studies, with sources", _sourced),
    Item("BayesWatch 9", "Bayesian interpretation", _central),
    Item("BayesWatch 10", "Sensitivity analysis", _sensitivity),
    Item("BayesWatch 11", "Comments: known weaknesses", _limits),
    Item("Cochrane 23.2 a", "Design of each crossover trial", _design_named),
    Item("Cochrane 23.2 b", "An analysis that respects the pairing", _paired),
    Item("Cochrane 23.2 c", "Carry-over and period effects", _carry_over),
    Item("Cochrane 23.2 d", "Patients counted once", _once),
    Item("Cochrane 16.4.7", "Sensitivity to how crossover trials were taken in", _parallel_against_crossover),
    Item("Here 1", "Two engines agree", _engines_agree),
    Item("Here 2", "Data identified by checksum", _data_known),
    Item("Here 3", "Priors can be moved by the reader", _movable),
)
