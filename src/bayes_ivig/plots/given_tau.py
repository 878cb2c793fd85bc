"""Each effect against tau, were tau known, and below what the data say of tau."""

from matplotlib.figure import Figure

from bayes_ivig.plots.scale import axis_label, linear_ticks, ticks
from bayes_ivig.plots.style import CHAINS, MARGIN, PALE, POSTERIOR, RAW, SMALL, WIDTH, Page, describe_model, shorten
from bayes_ivig.sensitivity import Sensitivity
from bayes_ivig.wording import percent

HEIGHT, LOWER, HEAD, BETWEEN, FOOT, LEFT, NAMES = 2.2, 0.8, 0.22, 0.2, 0.4, 0.5, 1.35
_APART = 0.13  # between names at the right end
_NAMED = 12


def draw_given_tau(result: Sensitivity) -> Figure:
    """Draw posterior means given tau, with the interval of mu, above the posterior and the prior of tau."""
    trace, measure = result.given_tau, result.model.measure
    assert trace is not None
    notes = (
        f"Top: posterior means given tau, of the average effect (thick, with its {percent(result.prob)} interval) and "
        "of each trial's effect: at tau = 0 all trials share one, with growing tau each keeps its own. Bottom: "
        "posterior of tau (solid), prior (dashed)." + (f" {result.tau.sentence}" if result.tau else ""),
        describe_model(result),
    )
    page = Page(result, "Effects given the heterogeneity tau", HEAD + HEIGHT + BETWEEN + LOWER + FOOT, notes)
    width = WIDTH - 2 * MARGIN - LEFT - NAMES
    left, base = MARGIN + LEFT, page.bottom + FOOT
    lower = page.axes(left, base, width, LOWER)
    upper = page.axes(left, base + LOWER + BETWEEN, width, HEIGHT)
    end = float(trace.tau[-1])
    upper.fill_between(trace.tau, trace.interval[:, 0], trace.interval[:, 1], color=PALE, alpha=0.6, linewidth=0)
    ends = []
    for i, (study, effect) in enumerate(zip(result.evidence.studies, trace.theta, strict=True)):
        colour = CHAINS[1:][i % (len(CHAINS) - 1)]
        upper.plot(trace.tau, effect, color=colour, lw=1.0)
        ends.append((float(effect[-1]), study.study, colour))
    upper.plot(trace.tau, trace.mu, color=POSTERIOR, lw=2.0)
    ends.append((float(trace.mu[-1]), "average effect", POSTERIOR))
    low = min(0.0, float(trace.interval.min()), float(trace.theta.min()))
    high = max(0.0, float(trace.interval.max()), float(trace.theta.max()))
    upper.set(xlim=(0, end), ylim=(low, high))
    upper.axhline(0.0, color="#C8C8C8", lw=0.7, zorder=0)
    upper.set_xticks([])
    upper.set_yticks(*ticks(measure, low, high, 6))
    if len(ends) <= _NAMED:
        _write_names(page, ends, (left + width + 0.06, base + LOWER + BETWEEN), (low, high))
    lower.plot(trace.tau, trace.density, color=POSTERIOR, lw=1.4)
    lower.plot(trace.tau, trace.prior, color="#6E6E6E", lw=1.0, ls=(0, (4, 2)))
    top = min(1.08 * max(trace.density.max(), trace.prior.max()), 3 * trace.density.max())
    lower.set(xlim=(0, end), ylim=(0, top))
    lower.set_xticks(*linear_ticks(0.0, end, 6))
    for axes in (upper, lower):
        axes.spines["left"].set(visible=True, linewidth=0.7)
    page.text(left, page.top - HEAD + 0.07, axis_label(measure, result.evidence), weight="bold", va="bottom")
    page.text(left + width + 0.06, base + LOWER / 2, "density of tau", size=SMALL, color=RAW, va="center")
    page.text(left + width / 2, base - 0.22, "tau, SD of effects between trials", size=SMALL, ha="center", va="top")
    return page.figure


def _write_names(
    page: Page, ends: list[tuple[float, str, str]], corner: tuple[float, float], span: tuple[float, float]
) -> None:
    """Write the names at the right ends of their lines, moved apart where they would overlap."""
    x, base = corner
    floor = base - _APART
    for value, name, colour in sorted(ends):
        y = max(base + HEIGHT * (value - span[0]) / (span[1] - span[0]), floor + _APART)
        page.text(x, y, shorten(name, NAMES - 0.06, SMALL), size=SMALL, color=colour, va="center_baseline")
        floor = y
