"""The next trial before it is run: its design, what is supposed of it, and simulated tables of its results.

A table is four counts. Parallel arms: events and others on T, events and others on C. Crossover: the cells both,
T only, C only, neither.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from bayes_ivig.errors import InputError, nearest
from bayes_ivig.priors import Prior
from bayes_ivig.profiles import LIKELIHOODS
from bayes_ivig.profiles.binomial import risks
from bayes_ivig.profiles.plackett import CELLS, joint_cells
from bayes_ivig.spec import Model, default_model, with_priors
from bayes_ivig.studies import Paired, Study, TwoArm

Array = NDArray[np.float64]
Tables = NDArray[np.int64]
DESIGNS = ("crossover", "parallel")


@dataclass(frozen=True)
class Design:
    """A new trial: `model` says how it will be analysed, the other fields what it is supposed to meet.

    `control_risk` is the design prior of the risk on C; None draws the trial's baseline from the model's own prior,
    as the posterior predictive distribution does. `association` is the design prior of the log odds ratio within
    patients; None is the model's.
    """

    kind: str
    model: Model
    control_risk: Prior | None = None
    association: Prior | None = None

    def __post_init__(self) -> None:
        """Check the kind, and that the model can analyse such a trial."""
        if self.kind not in DESIGNS:
            raise InputError(f"--design: '{self.kind}' is not allowed; choose crossover or parallel")
        if self.kind == "crossover" and self.model.likelihood != "crossover":
            raise InputError(
                f"a crossover trial is analysed by the crossover model, not the {self.model.likelihood} one"
            )
        if self.kind == "parallel" and self.model.likelihood not in ("binomial", "conditional"):
            raise InputError(f"parallel arms are analysed as two-arm counts, not by the {self.model.likelihood} model")
        if self.association is not None and self.kind == "parallel":
            raise InputError("--design-association: parallel arms have no association within patients; leave it out")

    @property
    def is_paired(self) -> bool:
        """Whether each patient has both treatments."""
        return self.kind == "crossover"

    def arms(self, patients: int) -> tuple[int, int]:
        """Patients on T and on C among those enrolled; of an odd number the last goes to T."""
        return (patients, patients) if self.is_paired else ((patients + 1) // 2, patients // 2)

    def study(self, table: NDArray[np.int64]) -> Study:
        """One simulated table as a trial."""
        a, b, c, d = (int(x) for x in table)
        return Paired("next trial", a, b, c, d) if self.is_paired else TwoArm("next trial", a, a + b, c, c + d)

    def assumptions(self) -> Mapping[str, str]:
        """What is supposed of the new trial, in words."""
        if self.control_risk is not None:
            baseline = f"control risk ~ {self.control_risk.text}"
        else:
            prior = self.model.priors["baseline"].text if self.model.has_baseline else _VAGUE.text
            place = "control risk" if self.model.parametrisation == "control" else "midpoint of the two logits"
            baseline = f"{place} ~ {prior}, the model's own prior"
        result = {"baseline": baseline}
        if self.is_paired:
            association = self.association or self.model.priors["association"]
            own = "" if self.association else ", the model's own prior"
            result["association"] = f"log odds ratio within patients ~ {association.text}{own}"
        return result


_VAGUE = Prior("beta", (1.0, 1.0))


def draw_risks(design: Design, theta: Array, rng: np.random.Generator) -> tuple[Array, Array, float]:
    """Risks on C and on T in trials with true effects theta (S,), and the share of p_C RR > 1, truncated at 1."""
    model = design.model
    if design.control_risk is not None:
        p_c = design.control_risk.rvs(rng, theta.shape)
        if model.measure == "OR":
            return p_c, expit(logit(p_c) + theta), 0.0
        p_t = p_c * np.exp(theta)
        return p_c, np.minimum(p_t, 1.0), float(np.mean(p_t > 1))
    if not model.has_baseline:
        g = logit(_VAGUE.rvs(rng, theta.shape))
        return expit(g - theta / 2), expit(g + theta / 2), 0.0
    g = LIKELIHOODS[model.likelihood].draw_nuisance(theta, model, rng)["baseline"]
    p_c, p_t = risks(theta, g, model)
    return p_c, np.minimum(p_t, 1.0), 0.0


def simulate_tables(design: Design, patients: int, theta: Array, rng: np.random.Generator) -> tuple[Tables, float]:
    """One table for each true effect theta (S,): shape (S, 4), and the share of treated risks truncated at 1."""
    p_c, p_t, truncated = draw_risks(design, theta, rng)
    n_t, n_c = design.arms(patients)
    if not design.is_paired:
        on_t, on_c = rng.binomial(n_t, p_t), rng.binomial(n_c, p_c)
        return np.stack([on_t, n_t - on_t, on_c, n_c - on_c], axis=-1), truncated
    association = (design.association or design.model.priors["association"]).rvs(rng, theta.shape)
    tiny = np.finfo(float).tiny
    p_c, p_t = (np.clip(p, tiny, 1 - 1e-16) for p in (p_c, p_t))
    d, h = (logit(p_t) - logit(p_c)) / 2, (logit(p_t) + logit(p_c)) / 2
    cells = joint_cells(h, d, association)
    p = np.stack([cells[name] for name in CELLS], axis=-1)
    return rng.multinomial(patients, p / p.sum(axis=-1, keepdims=True)), truncated


def parse_sizes(text: str) -> tuple[int, ...]:
    """Sizes of trials from "10:80:10" (first, last, step), "40" or "20,40,80"; increasing, each once.

    Raises
    ------
    InputError
        A text that gives no size, or one that is not a whole number from 2 to 2,000.
    """
    try:
        if ":" in text:
            first, last, *step = (int(part) for part in text.split(":"))
            (by,) = step or [1]
            sizes = list(range(first, last + 1, by)) if by > 0 else []
        else:
            sizes = sorted({int(part) for part in text.split(",")})
    except ValueError:
        raise InputError(
            f"--patients: {text[:40]!r} is not a range; write FIRST:LAST:STEP such as 10:80:10, or 20,40,80"
        ) from None
    if not sizes:
        raise InputError(f"--patients: the range '{text[:40]}' is empty; write FIRST:LAST:STEP such as 10:80:10")
    if len(sizes) > MOST_SIZES:
        raise InputError(f"--patients: {len(sizes):,} sizes; give {MOST_SIZES} at most, with a wider step")
    for size in (sizes[0], sizes[-1]):
        if not 2 <= size <= LARGEST:
            raise InputError(f"--patients: {size} is not allowed; give 2 to {LARGEST:,} patients in all")
    return tuple(sizes)


MOST_SIZES, LARGEST = 100, 2_000


def model_of_next(kind: str, model: Model) -> Model:
    """How the next trial is analysed: as those at hand where its design allows, and by their priors."""
    if model.likelihood == ("crossover" if kind == "crossover" else "binomial") or (
        kind == "parallel" and model.likelihood == "conditional"
    ):
        return model
    if model.measure not in ("OR", "RR"):
        raise InputError(f"plan simulates events: it needs an OR or a RR, not a {model.measure}")
    likelihood, measure = ("crossover", "OR") if kind == "crossover" else ("binomial", model.measure)
    other = default_model(likelihood, measure, model.effect, model.parametrisation)
    shared = {key: prior for key, prior in model.priors.items() if key in other.needed}
    return with_priors(other, shared)


def check_design_name(name: str) -> str:
    """Return the design's name; raise InputError for an unknown one."""
    if name not in DESIGNS:
        raise InputError(f"--design: '{name}' is not allowed; choose crossover or parallel{nearest(name, DESIGNS)}")
    return name
