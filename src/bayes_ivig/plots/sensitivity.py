"""Figures of the sensitivity analysis: few, and light enough to be drawn with every run."""

from matplotlib.figure import Figure

from bayes_ivig.plots.association import draw_association
from bayes_ivig.plots.baselines import draw_baselines
from bayes_ivig.plots.given_tau import draw_given_tau
from bayes_ivig.plots.multiverse import draw_multiverse
from bayes_ivig.plots.power import draw_power_scaling
from bayes_ivig.plots.prior_grid import draw_prior_grid
from bayes_ivig.plots.style import house_style
from bayes_ivig.sensitivity import Sensitivity

SENSITIVITY_DPI = 130


def draw_sensitivity(result: Sensitivity) -> dict[str, Figure]:
    """Draw the figures of a sensitivity analysis, those for which there is something to draw."""
    with house_style():
        figures = {"prior-grid": draw_prior_grid(result), "power-scaling": draw_power_scaling(result)}
        if result.baselines.cells:
            figures["baselines"] = draw_baselines(result)
        if result.association is not None:
            figures["association"] = draw_association(result)
        if len(result.multiverse) > 1:
            figures["multiverse"] = draw_multiverse(result.evidence, result.multiverse)
        if result.given_tau is not None:
            figures["effects-given-tau"] = draw_given_tau(result)
        return figures
