"""Prior against posterior: what the data added to what was assumed."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayes_ivig.effects import Array, is_ratio
from bayes_ivig.fit import Fit
from bayes_ivig.plots.densities import effect_density, effect_quantile, kernel_density, new_effect_draws
from bayes_ivig.plots.scale import axis_label, linear_ticks, ticks
from bayes_ivig.plots.style import (
    LINE,
    MARGIN,
    PALE,
    POSTERIOR,
    RAW,
    SMALL,
    WIDTH,
    Page,
    describe_model,
    flat_draws,
    wrap,
)
from bayes_ivig.summary import Summary
from bayes_ivig.wording import percent

GAP, HEIGHT, TITLES, FOOT = 0.25, 1.7, 0.34, 0.42
HALF_LABEL = 0.12  # what a tick label at the end of an axis needs beyond the gap or the margin
_BULK = np.array([0.025, 0.975])  # of the prior
_MOST_PRIOR = 1.5  # widths of the posterior that the prior may add on either side


@dataclass(frozen=True)
class _Panel:
    """One quantity: title, axis label, text, density (None: a point) and bulk of its prior, draws, summary.

    `low` is the end it cannot pass.
    """

    title: str
    label: str
    text: str
    prior: Callable[[Array], Array] | None
    bulk: Array
    draws: Array
    summary: Summary
    low: float = -np.inf


def draw_prior_posterior(fit: Fit) -> Figure:
    """Draw one panel for mu and, where effects vary, one each for tau and theta_new."""
    panels = _panels(fit)
    notes = (
        f"Solid line: posterior, its {percent(fit.prob)} equal-tailed interval shaded. Dashed line: prior. "
        "The densities are those of the analysis scale.",
        describe_model(fit),
    )
    width = (WIDTH - 2 * MARGIN - GAP * (len(panels) - 1)) / len(panels)
    priors = [wrap(f"Prior: {panel.text}", width) for panel in panels]
    page = Page(fit, "Prior and posterior", TITLES + LINE * max(map(len, priors)) + HEIGHT + FOOT, notes)
    base = page.bottom + FOOT
    for i, (panel, lines) in enumerate(zip(panels, priors, strict=True)):
        left = MARGIN + i * (width + GAP)
        page.text(left, page.top - 0.08, panel.title, weight="bold", va="top")
        for j, line in enumerate(lines):
            page.text(left, page.top - 0.23 - LINE * j, line, size=SMALL, color=RAW, va="top")
        axes = page.axes(left, base, width - HALF_LABEL, HEIGHT)
        _draw_panel(axes, panel, fit.model.measure)
        is_scale = panel.low == 0
        low, high = axes.get_xlim()
        axes.set_xticks(*(linear_ticks(low, high, 6) if is_scale else ticks(fit.model.measure, low, high, 6)))
        page.text(left + (width - HALF_LABEL) / 2, base - 0.22, panel.label, ha="center", va="top")
    return page.figure


def _panels(fit: Fit) -> list[_Panel]:
    measure, priors = fit.model.measure, fit.model.priors
    rate, label = measure == "rate", axis_label(fit.model.measure, fit.evidence)
    mu = priors["mu"]
    density = None if mu.is_point else partial(effect_density, mu, rate=rate)
    bulk = effect_quantile(mu, _BULK, rate)
    panels = [_Panel("Average effect, μ", label, mu.text, density, bulk, flat_draws(fit, "mu"), fit.mu)]
    if fit.tau is None:
        return panels
    tau = priors["tau"]
    density = None if tau.is_point else partial(effect_density, tau, rate=False)
    unit = f"log {measure}" if is_ratio(measure) else "logit rate" if rate else "effects"
    end = np.array([0.0, float(tau.ppf(_BULK[1]))])
    draws = flat_draws(fit, "tau")
    panels.append(_Panel("Heterogeneity, τ", f"SD of the {unit}", tau.text, density, end, draws, fit.tau, 0.0))
    new = new_effect_draws(mu, tau, rate)
    density = None if np.ptp(new) == 0 else partial(_smooth_density, new)
    text, draws = "implied by those of μ and τ", flat_draws(fit, "theta_new")
    panels.append(
        _Panel("Effect in a new trial, θ new", label, text, density, np.quantile(new, _BULK), draws, fit.theta_new)
    )
    return panels


def _smooth_density(draws: Array, x: Array) -> Array:
    return np.interp(x, *kernel_density(draws, float(x[0]), float(x[-1])))


def _draw_panel(axes: Axes, panel: _Panel, measure: str) -> None:
    start, stop = _range(panel)
    axes.set_xlim(start, stop)
    if panel.low != 0 and measure != "rate" and start < 0 < stop:
        axes.axvline(0.0, color="#D0D0D0", lw=0.7, zorder=0)
    top = 0.0
    if np.ptp(panel.draws) > 0:
        x, density = kernel_density(panel.draws, start, stop, panel.low)
        low, high = panel.summary.ci
        axes.fill_between(x, density, where=(x >= low) & (x <= high), color=PALE, linewidth=0)
        axes.plot(x, density, color=POSTERIOR, lw=1.5)
        top = float(density.max())
    else:
        axes.axvline(panel.summary.median, color=POSTERIOR, lw=1.5)
    dashes: Any = {"color": "#6E6E6E", "lw": 1.1, "ls": (0, (4, 2))}
    if panel.prior is None:
        axes.axvline(float(panel.bulk[1]), **dashes)
    else:
        x = np.linspace(max(start, panel.low + 1e-9), stop, 512)
        density = panel.prior(x)
        axes.plot(x, density, **dashes)
        # A prior with a pole, or a narrow one, is cut: the posterior stays readable.
        peak = float(density[np.isfinite(density)].max())
        top = min(peak, 2 * top) if 0 < top < peak else max(top, peak)
    axes.set_ylim(0, 1.06 * top if top > 0 else 1.0)


def _range(panel: _Panel) -> tuple[float, float]:
    """Return ends that hold the posterior, and the bulk of the prior as far as the posterior stays readable."""
    low, high = np.quantile(panel.draws, [0.001, 0.999])
    body = high - low or float(np.ptp(panel.bulk)) or 1.0
    start = min(low, max(float(panel.bulk[0]), low - _MOST_PRIOR * body))
    stop = max(high, min(float(panel.bulk[1]), high + _MOST_PRIOR * body))
    margin = 0.03 * (stop - start) or 0.5
    return max(panel.low, start - margin), stop + margin
