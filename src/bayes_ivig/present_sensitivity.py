"""The sensitivity of a conclusion, for a reader at a terminal."""

from rich.console import Group, RenderableType
from rich.text import Text

from bayes_ivig.effects import to_natural
from bayes_ivig.present import MEASURE_NAMES, table
from bayes_ivig.sensitivity import Sensitivity
from bayes_ivig.sensitivity.prior_sets import FITTED, short_text
from bayes_ivig.sensitivity.setting import Answer
from bayes_ivig.wording import number, percent, probability, with_interval


def sensitivity_view(result: Sensitivity, folder: str | None) -> RenderableType:
    """The tables in the order of their weight, the three sentences for a panel last."""
    evidence, model = result.evidence, result.model
    trials = f"{len(evidence.studies)} trial{'s' if len(evidence.studies) > 1 else ''}"
    subtitle = (
        f"{evidence.review} | {trials} | {model.likelihood} model, {MEASURE_NAMES[model.measure]}, {model.effect} "
        f"effect | {result.direction.text} {probability(result.answer.p)}"
    )
    parts: list[RenderableType] = [
        Text(""),
        Text(f"{evidence.title or evidence.outcome}: what the conclusion depends on", style="bold"),
        Text(subtitle),
        *_baselines(result),
        *_association(result),
        _prior_grid(result),
        _power_scaling(result),
        _tipping(result),
        *_left_out(result),
        *_policies(result),
        *_readings(result),
        *_comparison(result),
    ]
    if result.tau is not None:
        parts.append(Text(f"Heterogeneity: {result.tau.sentence}"))
    parts.extend(Text(text) for text in result.descriptions)
    parts.extend(Text(f"Note: {note}") for note in result.notes)
    priors = ", ".join(f"{key} {model.priors[key].text}" for key in model.needed)
    parts.append(Text(f"Priors as fitted: {priors}. Intervals are equal-tailed. Every answer is exact (quadrature)."))
    parts.append(Text(""))
    parts.extend(Text(sentence, style="bold") for sentence in result.sentences)
    if folder:
        parts.append(Text(f"Written to {folder}"))
    return Group(*parts)


def _effect(result: Sensitivity, answer: Answer) -> str:
    low, high = (float(to_natural(result.model.measure, x)) for x in answer.ci)
    return with_interval(float(to_natural(result.model.measure, answer.median)), (low, high))


def _head(result: Sensitivity) -> str:
    return f"{MEASURE_NAMES[result.model.measure]}, median ({percent(result.prob)})"


def _baselines(result: Sensitivity) -> list[RenderableType]:
    cells = result.baselines.cells
    if not cells:
        return []
    best = max(cell.answer.log_evidence for cell in cells)
    rows = [
        (
            cell.label + (" (as fitted)" if cell.as_fitted else ""),
            _effect(result, cell.answer),
            probability(cell.answer.p),
            number(cell.answer.log_evidence - best),
        )
        for cell in cells
    ]
    header = ("baseline prior", _head(result), result.direction.text, "log evidence, from best")
    shifts = [
        (
            contribution.study,
            f"{cells[0].contributions[i].mu:+.2f}",
            f"{cells[0].contributions[i].p:+.4f}",
            f"{min(c.contributions[i].mu for c in cells):+.2f} to {max(c.contributions[i].mu for c in cells):+.2f}",
        )
        for i, contribution in enumerate(cells[0].contributions)
    ]
    added = ("trial", "mean of mu, as fitted", result.direction.text, "mean of mu, over all rows above")
    return [
        table("Baseline prior and parametrisation", header, rows),
        table("What each trial adds to that", added, shifts),
    ]


def _association(result: Sensitivity) -> list[RenderableType]:
    if result.association is None:
        return []
    rows = [
        (
            row.prior + (" (as fitted)" if row.as_fitted else ""),
            _effect(result, row.answer),
            probability(row.answer.p),
        )
        for row in result.association.rows
    ]
    header = ("log odds ratio within patients", _head(result), result.direction.text)
    return [table("Association within patients", header, rows)]


def _prior_grid(result: Sensitivity) -> RenderableType:
    grid = result.prior_grid
    rows = []
    for name, labels, values in (
        ("mu", grid.mu, [(0, 0, i) for i in range(len(grid.mu))]),
        ("tau", grid.tau, [(0, i, 0) for i in range(1, len(grid.tau))]),
    ):
        for place in values:
            one = labels[place[2] if name == "mu" else place[1]]
            answer = Answer(
                0.0, 0.0, float(grid.median[place]), (float(grid.low[place]), float(grid.high[place])), 0, 0
            )
            label = FITTED if place == (0, 0, 0) else f"{name}: {one.label}"
            text = "" if place == (0, 0, 0) else short_text(one.prior)
            rows.append((label, text, _effect(result, answer), probability(float(grid.p[place]))))
    worst = grid.extreme()
    rows.append(("lowest of all", grid.describe(*worst), "", probability(float(grid.p[worst]))))
    title = f"Priors, {grid.n} combinations (prior-grid.csv); here one changed at a time"
    return table(title, ("changed", "prior", _head(result), result.direction.text), rows, 2)


def _power_scaling(result: Sensitivity) -> RenderableType:
    rows = []
    for component in result.power_scaling.components:
        half, double = component.path[0], component.path[-1]
        rows.append(
            (
                component.name,
                component.text,
                number(component.mu),
                number(component.tau),
                f"{probability(half[3])} / {probability(double[3])}",
            )
        )
    words = "; ".join(f"{name}: {text}" for name, text in result.power_scaling.diagnoses.items())
    header = ("counts for more or less", "", "moves mu", "moves tau", f"{result.direction.text} at power 0.5 / 2")
    return table(f"Power-scaling (0.05 is notable); diagnosis {words}", header, rows, 2)


def _tipping(result: Sensitivity) -> RenderableType:
    rows = [(point.text,) for point in result.tipping.points]
    rows += [(row.text,) for row in result.bias]
    return table("Tipping points", ("",), rows)


def _left_out(result: Sensitivity) -> list[RenderableType]:
    if len(result.left_out) < 2:
        return []
    rows = [
        (row.study, _effect(result, row.answer), probability(row.answer.p), number(row.elpd), f"{row.mu_shift:+.2f}")
        for row in result.left_out
    ]
    header = ("without", _head(result), result.direction.text, "log predictive density", "shift of mu, SDs")
    return [table("Each trial left out", header, rows)]


def _comparison(result: Sensitivity) -> list[RenderableType]:
    comparison = result.comparison
    if comparison is None:
        return []
    rows = [(m.label, number(m.log_evidence), probability(m.probability)) for m in comparison.models]
    heterogeneity = (
        "" if comparison.log_bf_heterogeneity is None else f", heterogeneity {comparison.log_bf_heterogeneity:.2f}"
    )
    title = f"Models; log Bayes factors: effect {comparison.log_bf_effect:.2f}{heterogeneity}"
    averaged = (
        "averaged over those with an effect",
        _effect(result, comparison.averaged),
        probability(comparison.averaged.p),
    )
    return [table(title, ("model", "log evidence", "probability"), [*rows, averaged])]


def _policies(result: Sensitivity) -> list[RenderableType]:
    if not result.policies:
        return []
    rows = []
    for row in result.policies:
        value, low, high = row.natural()
        rows.append((row.label, row.changed, with_interval(value, (low, high)), probability(row.p_claim)))
    header = ("zero cells", "what it changed", _head(result), result.direction.text)
    return [table("Zero-cell policies side by side", header, rows, 2)]


def _readings(result: Sensitivity) -> list[RenderableType]:
    if len(result.readings) < 2:
        return []
    rows = []
    for row in result.readings:
        value, low, high = row.natural()
        rows.append((row.label, with_interval(value, (low, high)), probability(row.p_claim)))
    return [table("Readings of the evidence", ("reading", _head(result), result.direction.text), rows)]
