"""What the data said about one outcome: figures, heterogeneity, sensitivity, frequentist estimates, checks."""

from collections.abc import Mapping, Sequence
from typing import Any

from bayes_ivig.page.blocks import Block, Cell, Paragraph, Picture, Section, Table, table
from bayes_ivig.page.crossover import crossover_section
from bayes_ivig.page.methods import implied_range
from bayes_ivig.page.outcome import Outcome
from bayes_ivig.page.sensitivity_section import sensitivity_section
from bayes_ivig.wording import interval, number, percent, with_interval

_FIGURES = {
    "trace": "Trace and ranks of the sampler's chains.",
    "predictive-check": "Posterior predictive check: what the model expects of each trial, and what was seen.",
}


def result_sections(outcome: Outcome) -> tuple[Section, ...]:
    """Make the sections of an outcome after its evidence, in the order a reader asks."""
    return (
        _forest(outcome),
        _prior_posterior(outcome),
        _heterogeneity(outcome),
        *crossover_section(outcome),
        sensitivity_section(outcome),
        _frequentist(outcome),
        _checks(outcome),
    )


def _picture(outcome: Outcome, name: str, alt: str, caption: str) -> list[Block]:
    if name not in outcome.svg:
        return []
    return [Picture(f"{outcome.id}-{name}", outcome.svg[name], alt, caption, outcome.png.get(name, b""))]


def _forest(outcome: Outcome) -> Section:
    fit = outcome.fit
    trials = "; ".join(f"{s['study']} {outcome.natural(s)}" for s in fit["studies"])
    alt = (
        f"Forest plot of {outcome.title}. {outcome.measure_name} of the average trial {outcome.natural(fit['mu'])}; "
        f"each trial, shrunken: {trials}."
    )
    blocks = _picture(
        outcome, "forest", alt, "Each trial raw (grey) and as the model sees it (blue), and their average."
    )
    rows = [(s["study"], outcome.natural(s)) for s in fit["studies"]]
    rows += [("Average trial", outcome.natural(fit["mu"]))]
    if fit["tau"] is not None:
        rows += [("Next trial", outcome.natural(fit["theta_new"]))]
    header = ("Trial", f"Posterior {outcome.measure_name} ({outcome.interval_name})")
    blocks.append(table("Effects, shrunken towards their average", header, rows, numeric_from=1))
    return Section(f"{outcome.id}-forest", "Forest plot", tuple(blocks))


def _prior_posterior(outcome: Outcome) -> Section:
    fit = outcome.fit
    alt = (
        f"Densities of prior and posterior. Posterior mean of mu {number(fit['mu']['mean'])}, "
        f"SD {number(fit['mu']['sd'])} on the analysis scale; prior {fit['priors']['mu']}."
    )
    blocks = _picture(outcome, "prior-posterior", alt, "What the data added to what was assumed.")
    rows = []
    for name, label in (
        ("mu", "Average effect, mu"),
        ("tau", "Heterogeneity, tau"),
        ("theta_new", "Next trial, theta_new"),
    ):
        s = fit[name]
        if s is None:
            continue
        prior = fit["priors"].get(name, "implied by those of mu and tau")
        rows.append((label, prior, number(s["mean"]), number(s["sd"]), with_interval(s["median"], s["ci"])))
    header = ("Quantity (analysis scale)", "Prior", "Mean", "SD", f"Median ({outcome.interval_name})")
    blocks.append(table("Prior and posterior", header, rows, numeric_from=2))
    return Section(f"{outcome.id}-prior-posterior", "Prior against posterior", tuple(blocks))


def _heterogeneity(outcome: Outcome) -> Section:
    fit, tau = outcome.fit, outcome.fit["tau"]
    if tau is None:
        text = "This model gives all trials one effect (tau = 0), so it says nothing about how effects differ."
        return Section(f"{outcome.id}-heterogeneity", "Heterogeneity", (Paragraph(text),))
    prior = outcome.model.priors["tau"]
    low, median, high = (float(x) for x in prior.ppf([0.025, 0.5, 0.975]))
    rows = [
        ("Prior of tau", number(median), interval(low, high), implied_range("tau", prior, outcome)),
        ("Posterior of tau", number(tau["median"]), interval(*tau["ci"]), ""),
    ]
    blocks: list[Block] = [
        table(
            "How much effects differ between trials (tau, an SD on the analysis scale)",
            ("", "Median", f"{percent(0.95)} prior or {outcome.interval_name}", "What the prior implies"),
            rows,
            numeric_from=1,
        ),
        Paragraph(f"Effect in a new trial of the same kind: {outcome.natural(fit['theta_new'])}."),
    ]
    if fit["n_studies"] <= 5:
        blocks.append(Paragraph("With so few trials the posterior of tau is mostly its prior.", "note"))
    return Section(f"{outcome.id}-heterogeneity", "Heterogeneity", tuple(blocks))


def _rows_table(name: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    header = tuple(dict.fromkeys(key for row in rows for key in row))
    cells = tuple(tuple(Cell(_text(row.get(key))) for key in header) for row in rows)
    return Table(name.replace("_", " ").capitalize(), tuple(h.replace("_", " ") for h in header), cells, 1)


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return number(float(value))
    if isinstance(value, list | tuple):
        return " to ".join(_text(x) for x in value)
    return str(value)


def _frequentist(outcome: Outcome) -> Section:
    rows = []
    for c in outcome.fit["comparators"]:
        verdict = {True: "reproduces the published result", False: "", None: ""}[c["reproduces_published"]]
        estimate = with_interval(c["estimate"], c["ci"])
        rows.append((c["method"], c["measure"], c["correction"], c["interval"], estimate, verdict, c["note"]))
    header = (
        "Method",
        "Measure",
        "Zero cells",
        "Interval",
        f"Estimate ({percent(outcome.prob)} CI)",
        "Published",
        "Note",
    )
    blocks: list[Block] = [table("Frequentist estimates", header, rows)] if rows else []
    if outcome.published:
        verdicts = [(r.published.label, r.published_text, r.verdict) for r in outcome.published]
        blocks.insert(
            0,
            table(
                "Published results, and what these trials give", ("Result", "Published", "From these trials"), verdicts
            ),
        )
    else:
        blocks.insert(0, Paragraph("No published result is recorded for these data.", "note"))
    return Section(f"{outcome.id}-frequentist", "Frequentist estimates", tuple(blocks))


def _checks(outcome: Outcome) -> Section:
    fit = outcome.fit
    rows = [
        (
            c["name"],
            number(c["value"]),
            number(c["limit"]),
            Cell("ok") if c["passed"] else Cell(f"FAILED: {c['hint']}", tone="alarm"),
        )
        for c in fit["checks"]
    ]
    blocks: list[Block] = (
        [table("Checks of the computation", ("Check", "Value", "Limit", ""), rows, numeric_from=1)] if rows else []
    )
    agreement = fit["engines"].get("agreement")
    if agreement:
        blocks.append(_agreement(agreement))
    elif outcome.sampled:
        blocks.append(Paragraph("Computed by sampling alone: the engines were not compared.", "note"))
    else:
        blocks.append(Paragraph("Computed by quadrature alone: not checked by sampling.", "note"))
    if fit["log_evidence"] is not None:
        blocks.append(Paragraph(f"Log evidence: {fit['log_evidence']:.4f}."))
    for name, caption in _FIGURES.items():
        blocks += _picture(outcome, name, f"{caption} Outcome: {outcome.title}.", caption)
    return Section(f"{outcome.id}-checks", "Checks", tuple(blocks))


def _agreement(agreement: Any) -> Block:
    """Show whatever the comparison of the engines recorded: a list of rows, or names with values."""
    if isinstance(agreement, Mapping):
        rows = [
            row for value in agreement.values() if isinstance(value, list) for row in value if isinstance(row, Mapping)
        ]
        if rows:
            return _rows_table("agreement of the engines", rows)
        return table(
            "Agreement of the engines",
            ("", "Value"),
            [(str(k).replace("_", " "), _text(v)) for k, v in agreement.items()],
        )
    return _rows_table("agreement of the engines", agreement)
