"""Tables for a reader at a terminal. Text from data is never read as markup."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from bayes_ivig.effects import to_natural
from bayes_ivig.evidence import Evidence
from bayes_ivig.fit import Fit
from bayes_ivig.pooled import Estimate
from bayes_ivig.present_crossover import crossover_parts
from bayes_ivig.published import Reproduction
from bayes_ivig.studies import Effect, Means, Paired, PairedMargins, SingleArm, Study, TwoArm
from bayes_ivig.summary import Summary
from bayes_ivig.wording import interval, number, percent, probability, with_interval

MEASURE_NAMES = {
    "OR": "odds ratio",
    "RR": "risk ratio",
    "RD": "risk difference",
    "MD": "mean difference",
    "SMD": "standardised mean difference",
    "effect": "effect",
    "rate": "rate",
}

MAX_WORD, MAX_NUMBER = 16, 22  # characters that stay on one line while there is room: of a word, of an interval


def table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]], numeric_from: int = 1) -> Table:
    """A plain table; columns from `numeric_from` on are right-aligned. Cells are literal text."""
    rows = list(rows)
    result = Table(
        title=Text(title) if title else None,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 2 if len(header) < 6 else 1, 0, 0),
        pad_edge=False,
        show_header=any(header),
    )
    for i, name in enumerate(header):
        cells = [row[i] for row in rows]
        whole = [min(MAX_WORD, len(word)) for text in (name, *cells) for word in text.split()]
        if i >= numeric_from:
            whole += [len(cell) for cell in cells if len(cell) <= MAX_NUMBER]
        result.add_column(
            Text(name),
            justify="right" if i >= numeric_from else "left",
            overflow="fold",
            min_width=max(whole, default=1),
        )
    for row in rows:
        result.add_row(*(Text(cell) for cell in row))
    return result


_ENGINES = {
    "both": "exact quadrature, checked by PyMC's sampler",
    "nuts": "PyMC's sampler (NUTS)",
    "quadrature": "exact quadrature, not checked by sampling",
}


def console(**options: Any) -> Console:
    """A console that takes every text literally: no markup, no emoji, no highlighting."""
    return Console(markup=False, emoji=False, highlight=False, **options)


def study_cells(study: Study) -> tuple[str, str]:
    """The data of one trial under treatment and under control, as text."""
    match study:
        case TwoArm():
            return f"{study.events_t}/{study.n_t}", f"{study.events_c}/{study.n_c}"
        case Paired():
            extra = (
                (f" + {study.events_t}/{study.n_t}", f" + {study.events_c}/{study.n_c}")
                if study.n_t + study.n_c
                else ("", "")
            )
            return (
                f"{study.both + study.t_only}/{study.n_pairs}{extra[0]}",
                f"{study.both + study.c_only}/{study.n_pairs}{extra[1]}",
            )
        case PairedMargins():
            return f"{study.margins_t}/{study.n_pairs}", f"{study.margins_c}/{study.n_pairs}"
        case Means():
            return (
                f"{study.mean_t:g} (SD {study.sd_t:g}, n {study.n_t})",
                f"{study.mean_c:g} (SD {study.sd_c:g}, n {study.n_c})",
            )
        case Effect():
            return f"{study.y:g} (SE {study.se:g})", ""
        case SingleArm():
            return f"{study.events}/{study.n}", ""


def natural(fit: Fit, summary: Summary) -> str:
    """Median and interval of an effect on the natural scale."""
    measure = fit.model.measure
    low, high = (float(to_natural(measure, limit)) for limit in summary.ci)
    return with_interval(float(to_natural(measure, summary.median)), (low, high))


def fit_view(fit: Fit, folder: str | None) -> RenderableType:
    """The answer of one fit as a clinician can read it, and below it what a statistician asks first."""
    evidence, model = fit.evidence, fit.model
    measure = MEASURE_NAMES[model.measure]
    patients = "" if evidence.n_participants is None else f", {evidence.n_participants} patients"
    against = "" if model.measure == "rate" else f": {evidence.treatment} against {evidence.control}"
    trials = f"{len(evidence.studies)} trial{'s' if len(evidence.studies) > 1 else ''}"
    title = Text(f"{evidence.title or evidence.outcome}{against}", style="bold")
    subtitle = Text(
        f"{evidence.review} | {trials}{patients} | {model.likelihood} model, {measure}, {model.effect} effect"
    )
    parts: list[RenderableType] = [Text(""), title, subtitle]
    if fit.failed:
        names = "; ".join(check.name for check in fit.failed)
        parts.append(Text(f"CHECK FAILED ({names}): do not use these numbers; see the checks below.", style="bold red"))
    head = f"median ({percent(fit.prob)} interval)"
    parts.append(table("", ("", head), _answers(fit), numeric_from=2))
    parts.append(_studies_table(fit))
    if fit.crossover is not None:
        blocks = crossover_parts(fit.crossover, model.priors["association"].text)
        parts.extend(Text(block) if isinstance(block, str) else table(*block) for block in blocks)
    parts.append(_comparators_table(fit))
    if fit.published:
        parts.append(published_table(fit.published))
    parts.append(
        table(
            "Checks",
            ("check", "value", "limit", ""),
            [(c.name, number(c.value), number(c.limit), "ok" if c.passed else f"FAILED: {c.hint}") for c in fit.checks],
        )
    )
    priors = ", ".join(f"{key} {model.priors[key].text}" for key in model.needed)
    parts.append(Text(f"Priors: {priors}. Intervals are equal-tailed. Engine: {_ENGINES[fit.engine]}."))
    parts.extend(Text(f"Note: {note}") for note in fit.notes)
    if folder:
        parts.append(Text(f"Written to {folder}"))
    return Group(*parts)


def _answers(fit: Fit) -> list[tuple[str, str]]:
    evidence, model = fit.evidence, fit.model
    unit = f" ({evidence.unit})" if evidence.unit and model.measure == "MD" else ""
    name = MEASURE_NAMES[model.measure].capitalize() + unit
    rows = [(f"{name}, average trial", natural(fit, fit.mu))]
    if fit.tau is not None:
        rows.append((f"{name}, next trial", natural(fit, fit.theta_new)))
        rows.append(("Heterogeneity tau (SD between trials)", with_interval(fit.tau.median, fit.tau.ci)))
    if fit.p_benefit is not None:
        rows.append(("Probability of benefit, average trial", probability(fit.p_benefit)))
        rows.append(("Probability of benefit, next trial", probability(fit.p_benefit_new)))
    if fit.p_harm is not None:
        rows.append(("Probability of harm, average trial", probability(fit.p_harm)))
    if fit.in_trials is not None:
        rows += _absolute_rows("In these trials", fit.in_trials.to_json(fit.prob, evidence.benefit), evidence)
    for label, absolute in (fit.at_control_risk or {}).items():
        risk = fit.control_risk.text if fit.control_risk else ""
        where = f"At control risk {risk}, {label.replace('_', ' ')}"
        rows += _absolute_rows(where, absolute.to_json(fit.prob, evidence.benefit), evidence)
    return rows


def _absolute_rows(where: str, absolute: dict[str, Any], evidence: Evidence) -> list[tuple[str, str]]:
    treated, untreated = absolute["per_100_treated"], absolute["per_100_control"]
    rows = [
        (f"{where}: per 100 patients with {evidence.treatment}", with_interval(treated["median"], treated["ci"])),
        (f"{where}: per 100 patients with {evidence.control}", with_interval(untreated["median"], untreated["ci"])),
        (f"{where}: risk ratio", with_interval(absolute["RR"]["median"], absolute["RR"]["ci"])),
    ]
    nnt = absolute["NNT"]
    if nnt is not None and evidence.role == "benefit":
        worst = "no benefit" if nnt["worst"] is None else number(nnt["worst"])
        text = f"{number(nnt['median'])} ({number(nnt['best'])} to {worst})"
        rows.append((f"{where}: number needed to treat", text))
        rows.append((f"{where}: chance of no benefit", probability(nnt["p_no_benefit"])))
    return rows


def _studies_table(fit: Fit) -> Table:
    measure = MEASURE_NAMES[fit.model.measure]
    single = fit.model.measure == "rate"
    header = ("trial", "events/n") if single else ("trial", fit.evidence.treatment, fit.evidence.control)
    rows = []
    for study, summary in zip(fit.evidence.studies, fit.studies, strict=True):
        rows.append((study.study, *study_cells(study)[: len(header) - 1], natural(fit, summary)))
    return table("Trials", (*header, f"{measure}, shrunken"), rows)


def _comparators_table(fit: Fit) -> Table:
    """One frequentist estimate a method, in the measure of the fit; `pool` and comparators.csv have them all."""
    of_measure = [e for e in fit.comparators if e.measure.split()[-1] == fit.model.measure]
    rows = []
    for method in dict.fromkeys(e.method for e in of_measure):
        estimate = next(e for e in of_measure if e.method == method)
        value, low, high = estimate.natural()
        rows.append((estimate.label, with_interval(value, (low, high))))
    return table("Frequentist estimates", ("method", "estimate (CI)"), rows, numeric_from=2)


def published_table(published: tuple[Reproduction, ...]) -> Table:
    """Each published result and the verdict on it."""
    rows = [(r.published.label, r.published_text, r.verdict) for r in published]
    return table("Published results", ("result", "published", "from these trials"), rows, numeric_from=3)


def _estimate_row(e: Estimate) -> tuple[str, ...]:
    value, low, high = e.natural()
    return (
        e.method if e.interval == "z" else f"{e.method}, {e.interval}",
        e.correction,
        with_interval(value, (low, high)),
        "" if e.prediction is None else interval(*(float(to_natural(e.measure, x)) for x in e.prediction)),
        number(e.tau2) if e.tau2 is not None else "",
        f"{e.i2:.0f}%" if e.i2 is not None and e.i2 == e.i2 else "",
    )


def pool_view(
    evidence: Evidence, estimates: tuple[Estimate, ...], published: tuple[Reproduction, ...], prob: float
) -> RenderableType:
    """Frequentist estimates, a table a measure, and the verdict on each published result."""
    parts: list[RenderableType] = [Text(f"{evidence.title or evidence.outcome}: frequentist estimates", style="bold")]
    header = ("method", "zeros", f"estimate ({percent(prob)} CI)", "prediction", "tau2", "I2")
    for measure in dict.fromkeys(e.measure for e in estimates):
        rows = [_estimate_row(e) for e in estimates if e.measure == measure]
        parts.append(table(measure, header, rows, 2))
    for note in dict.fromkeys(e.note for e in estimates if e.note):
        of_note = [e for e in estimates if e.note == note]
        measures, methods = (
            ", ".join(dict.fromkeys(names)) for names in zip(*((e.measure, e.method) for e in of_note), strict=True)
        )
        parts.append(Text(f"{measures}: {note} ({methods})."))
    if published:
        parts.append(published_table(published))
    parts.extend(Text(f"Note: {note}") for note in evidence.notes)
    return Group(*parts)
