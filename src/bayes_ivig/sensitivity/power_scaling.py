"""Power-scaling: how the answer moves when a prior, or the likelihood, counts for more or for less.

After Kallioinen N, Paananen T, Buerkner PC, Vehtari A, Stat Comput 2024;34:57 (10.1007/s11222-023-10366-5), with every
posterior computed afresh instead of reweighted draws. Only top-level priors are scaled, never that of theta_i given
mu and tau; the likelihood of a study is raised to its power before the nuisance parameters are integrated out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_ivig.quadrature import make_surface
from bayes_ivig.quadrature.marginal import Marginal
from bayes_ivig.quadrature.panels import Panels
from bayes_ivig.sensitivity.power_prior import power_prior, power_shape, scale_free
from bayes_ivig.sensitivity.quick import Quick, quick_answer, quick_joint
from bayes_ivig.sensitivity.setting import Setting

Array = NDArray[np.float64]
ALPHAS = (0.5, 2**-0.5, 1.0, 2**0.5, 2.0)
LOWER, UPPER = 0.99, 1.01  # their distances from alpha = 1 give the gradient there
REACH = 1 / 4000  # tail probability at which the measure ends
THRESHOLD = 0.05  # of the sensitivity measure, after Kallioinen et al.


@dataclass(frozen=True)
class Component:
    """One prior, or the likelihood, power-scaled.

    `path` holds (alpha, mean, SD and probability of mu) over the range of alpha. The sensitivities of mu and tau are
    the gradients of the cumulative Jensen-Shannon distance in log2 alpha, at alpha = 1; None where tau is not free.
    """

    name: str
    text: str
    path: tuple[tuple[float, float, float, float], ...]
    mu: float
    tau: float | None

    def to_rows(self) -> list[dict[str, Any]]:
        """One row a power."""
        return [
            {"component": self.name, "prior": self.text, "alpha": a, "mean": m, "sd": s, "p": p}
            for a, m, s, p in self.path
        ]


@dataclass(frozen=True)
class PowerScaling:
    """Every component, and the diagnosis of mu and of tau in words."""

    components: tuple[Component, ...]
    diagnoses: Mapping[str, str]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Sensitivities, paths and diagnoses as plain JSON values."""
        return {
            "components": [
                {"name": c.name, "prior": c.text, "sensitivity": {"mu": c.mu, "tau": c.tau}, "path": c.to_rows()}
                for c in self.components
            ],
            "threshold": THRESHOLD,
            "diagnoses": dict(self.diagnoses),
            "notes": list(self.notes),
        }

    def to_rows(self) -> list[dict[str, Any]]:
        """One row a component and power, with the component's sensitivities."""
        return [
            row | {"sensitivity_mu": component.mu, "sensitivity_tau": component.tau}
            for component in self.components
            for row in component.to_rows()
        ]


def scale_powers(setting: Setting) -> PowerScaling:
    """Power-scale each top-level prior and the likelihood."""
    model = setting.model
    recipes: dict[str, Callable[[float], _Case]] = {}
    notes = []
    for key in model.needed:
        prior = model.priors[key]
        if scale_free(prior):
            notes.append(f"Power-scaling leaves the prior of {key}, {prior.text}, as it is: it is flat, or a point.")
        elif key == "mu":
            recipes[key] = lambda a: (setting.surface, power_shape(model.priors["mu"], a), setting.tau)
        elif key == "tau":
            recipes[key] = lambda a: (setting.surface, setting.mu, power_shape(model.priors["tau"], a))
        elif power_prior(prior, 0.5) is None:
            notes.append(f"The prior of {key}, {prior.text}, is not power-scaled: its powers are no priors themselves.")
        else:
            recipes[key] = _nuisance(setting, key)
    recipes["likelihood"] = lambda a: (
        make_surface(setting.evidence.studies, model, power=a),
        setting.mu,
        setting.tau,
    )
    texts = {key: model.priors[key].text for key in model.needed} | {"likelihood": f"{model.likelihood}"}
    components = tuple(_component(setting, name, texts[name], recipe) for name, recipe in recipes.items())
    return PowerScaling(components, _diagnoses(components), tuple(notes))


_Case = tuple[Any, Any, Any]  # surface, shape of mu, shape of tau


def _nuisance(setting: Setting, key: str) -> Callable[[float], _Case]:
    def recipe(alpha: float) -> _Case:
        powered = power_prior(setting.model.priors[key], alpha)
        assert powered is not None
        return setting.with_model(**{key: powered}).surface, setting.mu, setting.tau

    return recipe


def _component(setting: Setting, name: str, text: str, recipe: Callable[[float], _Case]) -> Component:
    path = []
    for alpha in ALPHAS:
        answer = setting.answer
        quick = (
            Quick(answer.mean, answer.sd, answer.p, answer.log_evidence, 0.0, 0.0)
            if alpha == 1
            else quick_answer(*recipe(alpha), setting.direction)
        )
        path.append((alpha, quick.mean, quick.sd, quick.p))
    lower, upper = (quick_joint(*recipe(alpha)) for alpha in (LOWER, UPPER))
    base = setting.posterior.joint
    mu = _gradient(base.mu_marginal, lower.mu_marginal, upper.mu_marginal)
    free = setting.tau is not None and setting.tau.point is None
    tau = _gradient(base.tau_marginal, lower.tau_marginal, upper.tau_marginal) if free else None
    return Component(name, text, tuple(path), mu, tau)


def _gradient(base: Marginal, lower: Marginal, upper: Marginal) -> float:
    """Mean of the distances at both sides of alpha = 1, for each log2 unit of alpha (Kallioinen et al., eq. 9)."""
    if base.panels is None:
        return 0.0
    return (distance(base, upper) / float(np.log2(UPPER)) - distance(base, lower) / float(np.log2(LOWER))) / 2


def distance(p: Marginal, q: Marginal) -> float:
    """Symmetric cumulative Jensen-Shannon distance of two distributions, between 0 and 1.

    The square root of the integral of P log2(2 P / (P + Q)) + Q log2(2 Q / (P + Q)), divided by that of P + Q (Nguyen
    and Vreeken 2015; Kallioinen et al., eq. 6 to 8). Lower and upper tail probabilities are both taken for P and Q,
    and the larger distance counts, as in ArviZ. The divisor grows with the range, so that needs a convention: it ends
    where 4,000 draws of P would.
    """
    low, high = p.quantile([REACH, 1 - REACH])
    inner = np.concatenate([m.panels.edges for m in (p, q) if m.panels is not None])
    edges = np.unique([low, *inner[(inner > low) & (inner < high)], high])
    panels = Panels(edges, 6)
    a, b = p.cdf(panels.nodes), q.cdf(panels.nodes)
    return max(_cumulative(panels.weights, a, b), _cumulative(panels.weights, 1 - a, 1 - b))


def _cumulative(weights: Array, a: Array, b: Array) -> float:
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = (a + b) / 2
        terms = np.where(a > 0, a * np.log2(a / middle), 0.0) + np.where(b > 0, b * np.log2(b / middle), 0.0)
    bound = float(weights @ (a + b))
    return float(np.sqrt(max(float(weights @ terms), 0.0) / bound)) if bound > 0 else 0.0


def _diagnoses(components: tuple[Component, ...]) -> dict[str, str]:
    """Diagnosis of mu and tau: the most sensitive prior against the likelihood (Kallioinen et al., table 1)."""
    likelihood = next(c for c in components if c.name == "likelihood")
    priors = [c for c in components if c.name != "likelihood"]
    result = {}
    for name in ("mu", "tau"):
        by_likelihood = getattr(likelihood, name)
        if by_likelihood is None:
            continue
        by_prior = max((getattr(c, name) for c in priors), default=0.0)
        if by_prior < THRESHOLD:
            result[name] = "-"
        elif by_likelihood < THRESHOLD:
            result[name] = "strong prior, weak likelihood"
        else:
            result[name] = "prior-data conflict"
    return result
