"""What a conclusion depends on, as a reader sees it: sentences first, then one table a question."""

from collections.abc import Mapping, Sequence
from typing import Any

from bayes_ivig.effects import to_natural
from bayes_ivig.page.blocks import Block, Bullets, Code, Paragraph, Picture, Section, table
from bayes_ivig.page.command import crossover_command, sensitivity_command
from bayes_ivig.page.outcome import Outcome
from bayes_ivig.priors import parse_prior
from bayes_ivig.sensitivity.designs import describe_designs
from bayes_ivig.sensitivity.prior_sets import short_text
from bayes_ivig.wording import number, probability, with_interval

type Rows = Sequence[Mapping[str, Any]]


def sensitivity_section(outcome: Outcome) -> Section:
    """Make the section from `Outcome.sensitivity`; what is not there is left out."""
    found = outcome.sensitivity
    if not found:
        text = "No sensitivity analysis was run. On the page, move the priors under 'Other priors'."
        return Section(f"{outcome.id}-sensitivity", "Sensitivity", (Paragraph(text),))
    blocks: list[Block] = []
    if found.get("sentences"):
        blocks.append(Bullets(tuple(found["sentences"])))
    makers = (
        ("parallel_against_crossover", _designs),
        ("baselines", _baselines),
        ("prior_grid", _prior_grid),
        ("rate_priors", _rate_priors),
        ("tipping", _tipping),
        ("leave_one_out", _left_out),
        ("policies", _policies),
        ("multiverse", _multiverse),
    )
    for name, make in makers:
        if found.get(name):
            blocks += make(outcome, found[name])
    if "multiverse" not in found and "rate_priors" not in found:
        blocks.append(Paragraph("For the multiverse, bias, power-scaling and the figures, run:", "note"))
        blocks.append(Code(sensitivity_command(outcome)))
    return Section(f"{outcome.id}-sensitivity", "Sensitivity", tuple(blocks))


def _head(outcome: Outcome) -> str:
    return f"{_short_name(outcome)} ({outcome.interval_name})"


def _short_name(outcome: Outcome) -> str:
    return outcome.measure if outcome.measure in ("OR", "RR", "MD", "SMD") else outcome.measure_name.capitalize()


def _effect(outcome: Outcome, row: Mapping[str, Any]) -> str:
    """Median and limits, on the natural scale, of a row with those on the analysis scale."""
    limits = row["ci"] if "ci" in row else (row["low"], row["high"])
    median, low, high = (float(to_natural(outcome.measure, x)) for x in (row["median"], *limits))
    return with_interval(median, (low, high))


def _p(outcome: Outcome) -> str:
    return str(outcome.sensitivity.get("p_is", "P"))


def _designs(outcome: Outcome, rows: list[Mapping[str, Any]]) -> list[Block]:
    cells = [
        (
            row["design"],
            row["association"] or "-",
            with_interval(row["median"], (row["low"], row["high"])),
            probability(row["p"]),
        )
        for row in rows
    ]
    header = ("Read as", "Association within a patient", _head(outcome), rows[0]["p_is"])
    caption = "Parallel arms against crossover"
    blocks: list[Block] = [table(caption, header, cells, numeric_from=2), Paragraph(describe_designs(rows))]
    if outcome.model.likelihood != "crossover":
        blocks.append(Paragraph("For the association within patients, and how far it could matter, run:", "note"))
        blocks.append(Code(crossover_command(outcome)))
    return blocks


def _baselines(outcome: Outcome, rows: Rows) -> list[Block]:
    best = max(row["log_evidence"] for row in rows)
    cells = [
        (
            f"{row['baseline']}{', as fitted' if row['as_fitted'] else ''}",
            "midpoint" if row["parametrisation"] == "midpoint" else "control risk",
            _effect(outcome, row),
            probability(row["p"]),
            number(row["log_evidence"] - best),
        )
        for row in rows
    ]
    header = ("Baseline prior", "Sits on", _head(outcome), _p(outcome), "Log evidence, from best")
    return [table("Baseline priors and where they sit", header, cells, numeric_from=2)]


def _prior_grid(outcome: Outcome, grid: Mapping[str, Any]) -> list[Block]:
    rows: Rows = grid["rows"]
    first = rows[0]
    cells = [("as fitted", "", _effect(outcome, first), probability(first["p"]))]
    for changed, kept in (("mu", "tau"), ("tau", "mu")):
        for row in rows[1:]:
            if row["baseline"] == first["baseline"] and row[kept] == first[kept] and row[changed] != first[changed]:
                label = f"{changed}: {row[f'{changed}_label']}"
                prior = short_text(parse_prior(row[changed]))
                cells.append((label, prior, _effect(outcome, row), probability(row["p"])))
    header = ("Changed", "Prior", _head(outcome), _p(outcome))
    note = (
        f"Over all {grid['n']} combinations {_p(outcome)} lies between {probability(grid['p_lowest'])} "
        f"({grid['p_lowest_at']}) and {probability(grid['p_highest'])}."
    )
    caption = "Priors of the effect (mu) and the heterogeneity (tau), one changed at a time"
    blocks: list[Block] = [table(caption, header, cells, numeric_from=2, note=note)]
    alt = f"Heat map of {_p(outcome)} under every pair of priors of the effect and the heterogeneity. {note}"
    return blocks + _picture(outcome, "prior-grid", alt, "Every pair of priors of the effect and the heterogeneity.")


def _rate_priors(outcome: Outcome, rows: Rows) -> list[Block]:
    cells = [(row["changed"], with_interval(row["median"], (row["low"], row["high"]))) for row in rows]
    return [table("Priors of the rate, one changed at a time", ("Changed", _head(outcome)), cells, numeric_from=1)]


def _tipping(outcome: Outcome, rows: Rows) -> list[Block]:
    notes = [note for note in outcome.sensitivity.get("notes", ()) if note.startswith(("A null trial", "A prior"))]
    items = [str(row["text"]) for row in (*rows, *outcome.sensitivity.get("bias", ()))]
    blocks: list[Block] = [Bullets(tuple(items), "Tipping points: how far an assumption has to go")]
    return blocks + [Paragraph(note, "note") for note in notes]


def _left_out(outcome: Outcome, rows: Rows) -> list[Block]:
    if len(rows) < 2:
        return []
    cells = [
        (row["study"], _effect(outcome, row["answer"]), probability(row["answer"]["p"]), number(row["mu_shift"]))
        for row in rows
    ]
    header = ("Without", _head(outcome), _p(outcome), "It moves the mean by, SDs")
    return [table("Each trial left out", header, cells, numeric_from=1)]


def _policies(outcome: Outcome, rows: Rows) -> list[Block]:
    cells = []
    for row in rows:
        effect = with_interval(row["natural"], (row["natural_low"], row["natural_high"]))
        known = row["p_claim"] is not None
        changed = row["changed"] + (f" ({row['note']})" if row["note"] else "")
        cells.append((row["label"], row["measure"], effect, probability(row["p_claim"]) if known else "-", changed))
    header = ("Zero cells", "Measure", f"Estimate ({outcome.interval_name})", _p(outcome), "What it changes")
    note = "Methods without a probability are frequentist, of a common effect."
    made = table("Ways to treat zero cells", header, cells, note=note)
    return [made]


def _multiverse(outcome: Outcome, found: Mapping[str, Any]) -> list[Block]:
    alt = f"Curve of all analyses by their estimate, and the choices of each. {found['sentence']}"
    return [
        Paragraph(f"Multiverse of {found['n']:,} analyses. {found['sentence']}"),
        *_picture(outcome, "multiverse", alt, "Every defensible analysis, sorted, with the choices it makes."),
    ]


def _picture(outcome: Outcome, name: str, alt: str, caption: str) -> list[Block]:
    if name not in outcome.svg:
        return []
    return [Picture(f"{outcome.id}-{name}", outcome.svg[name], alt, caption, outcome.png.get(name, b""))]
