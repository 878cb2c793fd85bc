"""One study's likelihood as a curve, alone: what surfaces of many readings and likelihoods are put together from."""

import math
from typing import cast

import numpy as np

from bayes_ivig.effects import effect_sizes
from bayes_ivig.priors import Prior
from bayes_ivig.profiles import LIKELIHOODS
from bayes_ivig.quadrature.curves import ConstantCurve, Curve, NormalCurve
from bayes_ivig.quadrature.prior_shapes import Shape, shape_of
from bayes_ivig.quadrature.surface import curve_of
from bayes_ivig.spec import Model
from bayes_ivig.studies import Study


def study_curve(study: Study, model: Model) -> Curve:
    """Return the study's likelihood under `model`; constant where it has no effect to speak of.

    It depends on the study, the likelihood, the measure, the parametrisation and the nuisance priors only.
    """
    if model.likelihood == "normal":
        y, se, _ = effect_sizes([study], model.measure)
        return effect_curve(float(y[0]), float(se[0]))
    LIKELIHOODS[model.likelihood].make_data((study,), model.measure)  # refuses a study of another kind
    with np.errstate(invalid="ignore", over="ignore"):  # far out, where doubles end, the curve goes on as a line
        return curve_of(study, model)


def effect_curve(y: float, se: float) -> Curve:
    """Return the likelihood of an effect with its standard error; constant where either is nan."""
    return cast(Curve, NormalCurve(y, se) if math.isfinite(y) and math.isfinite(se) else ConstantCurve(0.0))


def is_informative(curve: Curve) -> bool:
    """Whether the likelihood depends on the effect."""
    return math.isfinite(curve.width)


def shapes_of(model: Model) -> tuple[Shape, Shape | None]:
    """Return the model's own priors of mu and of tau (None: a common effect), as the engine needs them."""
    return mu_shape(model.priors["mu"], model), tau_shape(model.priors.get("tau"))


def mu_shape(prior: Prior, model: Model) -> Shape:
    """Return a prior of mu as the engine needs it; for rates a density on 0 to 1 is one of the rate."""
    return cast(Shape, shape_of(prior, rate=model.measure == "rate"))


def tau_shape(prior: Prior | None) -> Shape | None:
    """Return a prior of tau as the engine needs it; None and fixed(0) are a common effect."""
    common = prior is None or (prior.is_point and prior.args[0] == 0)
    return None if common else cast(Shape, shape_of(cast(Prior, prior)))
