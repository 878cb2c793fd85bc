"""What decides the items of the checklist: one function a cause, each of them of the whole report."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bayes_ivig.page.methods import prior_source
from bayes_ivig.page.outcome import Outcome

if TYPE_CHECKING:
    from bayes_ivig.page.report import Report

MET, NOT_MET, NOT_APPLICABLE = "met", "not met", "not applicable"


@dataclass(frozen=True)
class Verdict:
    """Status of an item, why, and the anchor where a reader sees it."""

    status: str
    why: str
    anchor: str = ""


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


def priors_given(report: "Report") -> Verdict:
    """Whether every prior is stated."""

    def given(o: Outcome) -> bool:
        return all(o.fit["priors"].get(key) for key in o.model.needed)

    return _all(report, given, "every prior with its density", "a prior is not stated", _methods)


def priors_justified(report: "Report") -> Verdict:
    """Whether every prior has a source."""

    def justified(o: Outcome) -> bool:
        return all(prior_source(o, key) for key in o.model.needed)

    return _all(report, justified, "every prior has a source", "a prior without a source", _methods)


def sensitivity(report: "Report") -> Verdict:
    """Whether other priors were tried."""
    return _all(
        report,
        lambda o: bool(o.sensitivity),
        "other priors, tabulated",
        "no sensitivity analysis was run",
        _part("sensitivity"),
    )


def movable(report: "Report") -> Verdict:
    """Whether the page carries surfaces."""
    return _all(
        report,
        lambda o: bool(o.surfaces),
        "every prior can be moved on the page",
        "no likelihood surface on the page",
        lambda o: "live",
    )


def model(report: "Report") -> Verdict:
    """Whether likelihood and hierarchy are stated."""
    return _all(
        report,
        lambda o: bool(o.fit["model"] and o.fit["effect"]),
        "likelihood and hierarchy in full",
        "no model is stated",
        _methods,
    )


def computation(report: "Report") -> Verdict:
    """Whether the engine is stated."""

    def known(o: Outcome) -> bool:
        return any(o.fit["engines"].get(engine) for engine in ("nuts", "quadrature"))

    return _all(report, known, "engines and their settings", "the engine is not stated", _methods)


def central(report: "Report") -> Verdict:
    """Whether there is a median."""
    return _all(
        report, lambda o: o.fit["mu"]["median"] is not None, "posterior medians and means", "no median", _part("forest")
    )


def variance(report: "Report") -> Verdict:
    """Whether there is an interval."""

    def known(o: Outcome) -> bool:
        return all(x is not None for x in o.fit["mu"]["ci"])

    return _all(report, known, "equal-tailed intervals and SDs", "no interval", _part("prior-posterior"))


def question(report: "Report") -> Verdict:
    """Whether the question is known."""
    if report.question:
        return Verdict(MET, "the review's question", "answer")
    return Verdict(NOT_MET, "the data carry no question; the program cannot write one", "answer")


def definitions(report: "Report") -> Verdict:
    """Whether it is said what was counted."""
    return _all(
        report,
        lambda o: bool(o.evidence.definition),
        "what was counted, per outcome",
        "no definition of the outcome",
        _part("evidence"),
    )


def provenance(report: "Report") -> Verdict:
    """Whether versions are known."""
    return _all(
        report,
        lambda o: bool(o.fit["provenance"]["packages"]),
        "versions of every package",
        "no versions",
        lambda o: "provenance",
    )


def converged(report: "Report") -> Verdict:
    """Whether R-hat is within its limit."""
    return _sampler_check(report, "R-hat", "R-hat of every parameter within its limit")


def resolution(report: "Report") -> Verdict:
    """Whether the chains are long enough."""
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


def not_mcmc(report: "Report") -> Verdict:
    """Whether the quadrature gives its error."""
    computed = [o for o in report.outcomes if o.fit["engines"].get("quadrature")]
    if not computed:
        return Verdict(NOT_APPLICABLE, "every outcome was sampled")
    for o in computed:
        if not any("quadrature" in c["name"].lower() for c in o.fit["checks"]):
            return Verdict(NOT_MET, f"no error estimate of the quadrature: {o.title}", f"{o.id}-checks")
    return Verdict(MET, "the quadrature's own error estimate", f"{computed[0].id}-checks")


def engines_agree(report: "Report") -> Verdict:
    """Whether two engines were compared."""

    def compared(o: Outcome) -> bool:
        return bool(o.fit["engines"].get("agreement"))

    return _all(report, compared, "two engines compared", "not computed by both engines", _part("checks"))


def predictive(report: "Report") -> Verdict:
    """Whether the posterior predictive check is drawn."""
    return _all(
        report,
        lambda o: "predictive-check" in o.svg,
        "posterior predictive check",
        "no posterior predictive check",
        _part("checks"),
    )


def prior_predictive(report: "Report") -> Verdict:
    """Whether the prior is drawn."""
    return _all(
        report,
        lambda o: "prior-posterior" in o.svg,
        "the prior and what it implies for a new trial are drawn",
        "the prior is not drawn",
        _part("prior-posterior"),
    )


def no_decision(report: "Report") -> Verdict:
    """The program takes no decision."""
    return Verdict(
        NOT_APPLICABLE,
        "the program reports probabilities and takes no decision; thresholds are the reader's",
        "findings",
    )


def bayes_factors(report: "Report") -> Verdict:
    """The program claims no Bayes factor."""
    return Verdict(NOT_APPLICABLE, "no Bayes factor or model probability is claimed")


def seed(report: "Report") -> Verdict:
    """Whether the seed is known."""
    return _all(
        report,
        lambda o: o.fit["provenance"]["seed"] is not None,
        "seed of every run",
        "no seed",
        lambda o: "provenance",
    )


def data_known(report: "Report") -> Verdict:
    """Whether the data have a checksum."""
    return _all(
        report,
        lambda o: bool(o.fit["provenance"]["data_sha256"]),
        "SHA-256 of the data",
        "no checksum of the data",
        lambda o: "provenance",
    )


def command(report: "Report") -> Verdict:
    """Whether the commands are recorded."""
    if report.commands:
        return Verdict(MET, "the commands to run it again", "provenance")
    return Verdict(NOT_MET, "no command is recorded", "provenance")


def sourced(report: "Report") -> Verdict:
    """Whether every trial has a source."""
    return _all(
        report,
        lambda o: bool(o.evidence.rows) and all(row.get("source") for row in o.evidence.rows),
        "a source for every trial",
        "trials without a source",
        _part("evidence"),
    )


def limits(report: "Report") -> Verdict:
    """Whether weaknesses are listed."""
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


def design_named(report: "Report") -> Verdict:
    """Whether the design of crossover trials is recorded."""

    def decide(outcomes: list[Outcome]) -> Verdict:
        bad = [o for o in outcomes if not all(row.get("design") for row in o.evidence.rows)]
        if bad:
            return Verdict(NOT_MET, f"the design of a trial is not recorded: {_first(bad)}", f"{bad[0].id}-evidence")
        return Verdict(MET, "the design of each trial", f"{outcomes[0].id}-evidence")

    return _of_crossover(report, decide)


def paired(report: "Report") -> Verdict:
    """Whether crossover trials are analysed as such."""

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


def parallel_against_crossover(report: "Report") -> Verdict:
    """Whether both readings were compared."""

    def decide(outcomes: list[Outcome]) -> Verdict:
        counted = [o for o in outcomes if o.evidence.kind in ("two-arm", "crossover")]
        if not counted:
            return Verdict(NOT_APPLICABLE, "no counts of crossover trials among these data")
        bad = [o for o in counted if not o.sensitivity.get("parallel_against_crossover")]
        if bad:
            why = f"no parallel-against-crossover comparison, or no paired tables known: {_first(bad)}"
            return Verdict(NOT_MET, why, f"{bad[0].id}-sensitivity")
        return Verdict(MET, "parallel against crossover", f"{counted[0].id}-sensitivity")

    return _of_crossover(report, decide)


def once(report: "Report") -> Verdict:
    """Whether patients are counted once."""

    def decide(outcomes: list[Outcome]) -> Verdict:
        bad = [o for o in outcomes if o.fit["n_participants"] is None]
        if bad:
            return Verdict(NOT_MET, f"patients are not counted: {_first(bad)}", f"{bad[0].id}-evidence")
        return Verdict(MET, "each patient is counted once", "findings")

    return _of_crossover(report, decide)


def carry_over(report: "Report") -> Verdict:
    """Whether periods and crossing are discussed."""

    def decide(outcomes: list[Outcome]) -> Verdict:
        if report.review is not None and any("period" in fault or "cross" in fault for fault in report.review.faults):
            return Verdict(MET, "what is known of periods and of who crossed", "record")
        return Verdict(NOT_MET, "nothing is recorded of carry-over or period effects", f"{outcomes[0].id}-evidence")

    return _of_crossover(report, decide)
