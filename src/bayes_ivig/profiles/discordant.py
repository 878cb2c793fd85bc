"""The conditional odds ratio of paired data: only patients with different outcomes on T and C say anything.

t_only ~ Bin(t_only + c_only, expit(delta + o)) (Cox DR, Biometrika 1958;45:562-565). The offset o is log(n_CT/n_TC)
where only non-responders crossed over, n_CT patients having started on C and n_TC on T: a patient who would
respond to T alone is then seen as such only after starting on C, and the other way round. It is 0 otherwise.
The odds ratio within patients is a second, separate analysis, never mixed up with the marginal one: delta differs
from theta of the crossover model wherever patients differ.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, log_expit

from bayes_ivig.effects import named
from bayes_ivig.errors import InputError
from bayes_ivig.spec import Model
from bayes_ivig.studies import Paired, PairedMargins, Study

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Discordant:
    """Discordant pairs and offset of each trial that has a table, arrays of length k; notes name what is left out.

    `informative` tells which trials have a discordant pair.
    """

    studies: tuple[Paired, ...]
    t_only: Array
    c_only: Array
    offset: Array
    notes: tuple[str, ...] = ()

    @property
    def informative(self) -> NDArray[np.bool_]:
        """Which trials say anything about delta."""
        return self.t_only + self.c_only > 0


def make_data(studies: tuple[Study, ...]) -> Discordant:
    """Collect the discordant pairs; trials known by margins only are left out and named.

    Raises
    ------
    InputError
        A study that is not paired data, or no table at all.
    """
    for study in studies:
        if not isinstance(study, Paired | PairedMargins):
            raise InputError(f"{study.study}: the OR within patients needs paired tables, not {study.kind} data")
    tables = tuple(study for study in studies if isinstance(study, Paired))
    if not tables:
        raise InputError("no trial has a paired table: the OR within patients cannot be known from margins alone")
    notes = (
        *named(
            "Left out of the OR within patients, known by margins only", studies, [s not in tables for s in studies]
        ),
        *named("No discordant pair", tables, [s.t_only + s.c_only == 0 for s in tables]),
    )
    counts = np.array([(s.t_only, s.c_only) for s in tables], float)
    return Discordant(tables, counts[:, 0], counts[:, 1], np.array([offset(s) for s in tables]), notes)


def offset(study: Paired) -> float:
    """log(n_CT / n_TC) where only non-responders crossed over, else 0.

    That is where the starters are known and every patient with one treatment only responded to it; n_CT and n_TC
    are the starters on C and on T.
    """
    if not only_non_responders_crossed(study):
        return 0.0
    assert study.started_t is not None
    assert study.started_c is not None
    return float(np.log(study.started_c) - np.log(study.started_t))


def only_non_responders_crossed(study: Paired) -> bool:
    """Whether the row says so: starters known, patients with one treatment only, and all of them responders."""
    stayed = study.n_t + study.n_c
    if not stayed or not study.started_t or not study.started_c:
        return False
    # Otherwise another rule was at work: a responder crossed, or another stayed.
    return study.events_t + study.events_c == stayed and not study.both


def log_integrated(study: Study, model: Model | None, theta: Array) -> Array:
    """Log likelihood of one trial at log odds ratios within patients `theta`, shape (m,); coefficient included.

    There is nothing to integrate out: `model` is not looked at.

    Raises
    ------
    InputError
        A trial without a paired table.
    """
    data = make_data((study,))
    t_only, c_only = data.t_only[0], data.c_only[0]
    x = np.asarray(theta, float) + data.offset[0]
    coefficient = gammaln(t_only + c_only + 1) - gammaln(t_only + 1) - gammaln(c_only + 1)
    return np.asarray(coefficient + t_only * log_expit(x) + c_only * log_expit(-x))


def draw_given_theta(study: Study, model: Model | None, theta: Array, rng: np.random.Generator) -> dict[str, Array]:
    """There is no nuisance parameter to draw."""
    return {}
