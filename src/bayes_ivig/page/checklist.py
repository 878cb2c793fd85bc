"""A reporting checklist that the program fills in from the run: met, not met or not applicable, and where to look.

Items, in our words, after
- ROBUST: Sung L et al. J Clin Epidemiol 2005;58:261-268 (seven items);
- BARG: Kruschke JK. Bayesian analysis reporting guidelines. Nat Hum Behav 2021;5:1282-1291, table 1;
- BayesWatch: Spiegelhalter DJ, Myles JP, Jones DR, Abrams KR. Health Technol Assess 2000;4(38);
- the Cochrane Handbook on crossover trials: version 5.1, section 16.4.7, and version 6.5, chapter 23, section 23.2.

An item is decided by a function of the report; where the program cannot know, it says so and leaves it not met.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bayes_ivig.page import verdicts
from bayes_ivig.page.blocks import Cell, Paragraph, Section, Table
from bayes_ivig.page.verdicts import MET, NOT_APPLICABLE, NOT_MET, Verdict

if TYPE_CHECKING:
    from bayes_ivig.page.report import Report

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


ITEMS = (
    Item("ROBUST 1", "Prior: what it is", verdicts.priors_given),
    Item("ROBUST 2", "Prior: why it was chosen", verdicts.priors_justified),
    Item("ROBUST 3", "Prior: how the answer depends on it", verdicts.sensitivity),
    Item("ROBUST 4", "Analysis: the statistical model", verdicts.model),
    Item("ROBUST 5", "Analysis: how it was computed", verdicts.computation),
    Item("ROBUST 6", "Results: central tendency", verdicts.central),
    Item("ROBUST 7", "Results: SD or interval", verdicts.variance),
    Item("BARG preamble", "Goals of the analysis", verdicts.question),
    Item("BARG 1A", "The data: outcome and predictors", verdicts.definitions),
    Item("BARG 1B", "Likelihood and parameters", verdicts.model),
    Item("BARG 1C", "Prior, explained and justified", verdicts.priors_justified),
    Item("BARG 1D", "Formal specification", verdicts.priors_given),
    Item("BARG 1E", "What the prior predicts", verdicts.prior_predictive),
    Item("BARG 2A", "Software", verdicts.provenance),
    Item("BARG 2B", "Convergence of the chains", verdicts.converged),
    Item("BARG 2C", "Resolution of the chains", verdicts.resolution),
    Item("BARG 2D", "Accuracy where no chain was run", verdicts.not_mcmc),
    Item("BARG 3A", "Posterior predictive check", verdicts.predictive),
    Item("BARG 3B", "The posterior of each quantity", verdicts.variance),
    Item("BARG 3C", "Bayes factors and model probabilities", verdicts.bayes_factors),
    Item("BARG 4", "Decisions and their criteria", verdicts.no_decision),
    Item("BARG 5", "Sensitivity to the prior", verdicts.sensitivity),
    Item("BARG 6A-B", "Data and commands to run it again", verdicts.command),
    Item("BARG 6F", "Seeds, so that it gives the same numbers", verdicts.seed),
    Item("BayesWatch 1", "Intervention and aim", verdicts.question),
    Item("BayesWatch 2", "Design of the studies", verdicts.design_named),
    Item("BayesWatch 3", "Outcome measure", verdicts.definitions),
    Item("BayesWatch 4", "Statistical model", verdicts.model),
    Item("BayesWatch 5", "Prior distributions", verdicts.priors_justified),
    Item("BayesWatch 6", "Loss function or demands", verdicts.no_decision),
    Item("BayesWatch 7", "Computation and software", verdicts.computation),
    Item("BayesWatch 8", "Evidence from the studies, with sources", verdicts.sourced),
    Item("BayesWatch 9", "Bayesian interpretation", verdicts.central),
    Item("BayesWatch 10", "Sensitivity analysis", verdicts.sensitivity),
    Item("BayesWatch 11", "Comments: known weaknesses", verdicts.limits),
    Item("Cochrane 23.2 a", "Design of each crossover trial", verdicts.design_named),
    Item("Cochrane 23.2 b", "An analysis that respects the pairing", verdicts.paired),
    Item("Cochrane 23.2 c", "Carry-over and period effects", verdicts.carry_over),
    Item("Cochrane 23.2 d", "Patients counted once", verdicts.once),
    Item("Cochrane 16.4.7", "Sensitivity to how crossover trials were taken in", verdicts.parallel_against_crossover),
    Item("Here 1", "Two engines agree", verdicts.engines_agree),
    Item("Here 2", "Data identified by checksum", verdicts.data_known),
    Item("Here 3", "Priors can be moved by the reader", verdicts.movable),
)
