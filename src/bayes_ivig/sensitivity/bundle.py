"""Every analysis of the sensitivity of one outcome, bundled."""

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from bayes_ivig import __version__
from bayes_ivig.checks import Check
from bayes_ivig.evidence import Evidence
from bayes_ivig.sensitivity.association import AssociationSweep, sweep_association
from bayes_ivig.sensitivity.baselines import Baselines, compare_baselines
from bayes_ivig.sensitivity.bias import BiasTipping, find_bias_tipping
from bayes_ivig.sensitivity.claim import claim_of
from bayes_ivig.sensitivity.comparison import Comparison, compare_models
from bayes_ivig.sensitivity.given_tau import GivenTau, effects_given_tau
from bayes_ivig.sensitivity.heterogeneity import TauLearning, learn_about_tau
from bayes_ivig.sensitivity.leave_one_out import LeftOut, leave_one_out
from bayes_ivig.sensitivity.multiverse import Multiverse, describe_multiverse, run_multiverse
from bayes_ivig.sensitivity.policies import PolicyRow, compare_policies, describe_policies
from bayes_ivig.sensitivity.power_scaling import PowerScaling, scale_powers
from bayes_ivig.sensitivity.prior_grid import PriorGrid, cross_priors
from bayes_ivig.sensitivity.readings import ReadingRow, compare_readings, describe_readings
from bayes_ivig.sensitivity.sentences import Axis, gather_axes, write_sentences
from bayes_ivig.sensitivity.setting import Answer, Direction, Setting
from bayes_ivig.sensitivity.tipping import Tipping, find_tipping_points
from bayes_ivig.spec import Model


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """What the conclusion of one outcome depends on. Effects are on the analysis scale.

    `answer` is the model as it stands; `direction` says whose probability `p` is everywhere. `failed` is empty: the
    engine is exact, and says its error in `movement`.
    """

    evidence: Evidence
    model: Model
    prob: float
    direction: Direction
    answer: Answer
    movement: float
    baselines: Baselines
    association: AssociationSweep | None
    prior_grid: PriorGrid
    power_scaling: PowerScaling
    tipping: Tipping
    bias: tuple[BiasTipping, ...]
    left_out: tuple[LeftOut, ...]
    tau: TauLearning | None
    comparison: Comparison | None
    given_tau: GivenTau | None
    policies: tuple[PolicyRow, ...]
    readings: tuple[ReadingRow, ...]
    multiverse: Multiverse
    axes: tuple[Axis, ...]
    sentences: tuple[str, ...]
    notes: tuple[str, ...]
    seconds: Mapping[str, float]

    @property
    def failed(self) -> tuple[Check, ...]:
        """No check of an exact answer fails."""
        return ()

    @property
    def descriptions(self) -> tuple[str, ...]:
        """One sentence each on the association within patients, zero-cell policies, readings and the multiverse."""
        claim = claim_of(self.evidence, self.model)
        return (
            *(() if self.association is None else (self.association.sentence,)),
            describe_policies(self.policies, claim),
            describe_readings(self.readings, claim),
            describe_multiverse(self.multiverse),
        )

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """Every table by the name of its file; those without a row are left out."""
        names = tuple(study.study for study in self.evidence.studies)
        tables = {
            "baselines": self.baselines.to_rows(),
            "baseline-contributions": self.baselines.contribution_rows(),
            "association": [] if self.association is None else self.association.to_rows(),
            "prior-grid": self.prior_grid.to_rows(),
            "power-scaling": self.power_scaling.to_rows(),
            "tipping-points": self.tipping.to_rows(),
            "bias": [row.to_json() for row in self.bias],
            "leave-one-out": [row.to_row() for row in self.left_out],
            "model-comparison": [] if self.comparison is None else self.comparison.to_rows(),
            "zero-cell-policies": [policy_row(row) for row in self.policies],
            "readings": [_reading_row(row) for row in self.readings],
            "multiverse": _rows_of(self.multiverse.columns()),
            "multiverse-choices": [asdict(level) for level in self.multiverse.by_level()],
            "given-tau": [] if self.given_tau is None else self.given_tau.to_rows(names),
        }
        return {name: rows for name, rows in tables.items() if rows}

    def to_json(self) -> dict[str, Any]:
        """Everything but the prior grid's and the curves' rows, which are tables, as plain JSON values (schema 1)."""
        evidence, model = self.evidence, self.model
        return {
            "schema": 1,
            "review": evidence.review,
            "edition": evidence.edition,
            "outcome": evidence.outcome,
            "kind": evidence.kind,
            "model": model.likelihood,
            "measure": model.measure,
            "effect": model.effect,
            "parametrisation": model.parametrisation,
            "engine": "quadrature",
            "n_studies": len(evidence.studies),
            "n_participants": evidence.n_participants,
            "priors": {key: model.priors[key].text for key in model.needed},
            "prob": self.prob,
            "p_is": self.direction.text,
            "answer": self.answer.to_json(),
            "sentences": list(self.sentences),
            "axes": [asdict(axis) for axis in self.axes],
            "baselines": self.baselines.to_rows(),
            "baseline_contributions": self.baselines.contribution_rows(),
            "association": None if self.association is None else self.association.to_rows(),
            "prior_grid": self.prior_grid.to_json(),
            "power_scaling": self.power_scaling.to_json(),
            "tipping": self.tipping.to_rows(),
            "bias": [row.to_json() for row in self.bias],
            "leave_one_out": [row.to_json() for row in self.left_out],
            "heterogeneity": None if self.tau is None else self.tau.to_json(),
            "comparison": None if self.comparison is None else self.comparison.to_json(),
            "policies": [policy_row(row) for row in self.policies],
            "readings": [_reading_row(row) for row in self.readings],
            "multiverse": self._multiverse_json(),
            "error": self.movement,
            "notes": list(self.notes),
            "provenance": {
                "version": __version__,
                "python": platform.python_version(),
                "data_sha256": evidence.sha256,
                "packages": {name: version(name) for name in ("numpy", "scipy")},
            },
        }

    def _multiverse_json(self) -> dict[str, Any]:
        multiverse, worst = self.multiverse, self.multiverse.worst_defensible
        return {
            "n": len(multiverse),
            "distinct": multiverse.distinct,
            "counts": multiverse.counts,
            "fraction_above_0.95": multiverse.fraction_above(),
            "worst_defensible": None
            if worst is None
            else {"p": float(multiverse.p_claim[worst]), "choices": multiverse.choices(worst)},
            "sentence": describe_multiverse(multiverse),
            "choices": [asdict(level) for level in multiverse.by_level()],
        }


def _rows_of(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Turn columns into rows."""
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def policy_row(row: PolicyRow) -> dict[str, Any]:
    """One policy as cells: the estimate on the analysis scale, and on the natural one."""
    cells = asdict(row)
    low, high = cells.pop("ci")
    names = ("natural", "natural_low", "natural_high")
    return cells | {"low": low, "high": high} | dict(zip(names, row.natural(), strict=True))


def _reading_row(row: ReadingRow) -> dict[str, Any]:
    """One reading as cells: the posterior of mu on the analysis scale, and on the natural one."""
    low, high = row.mu.ci
    return {
        "readings": " + ".join(row.readings),
        "label": row.label,
        "measure": row.measure,
        "left_out": ", ".join(row.left_out),
        "mean": row.mu.mean,
        "sd": row.mu.sd,
        "median": row.mu.median,
        "low": low,
        "high": high,
        "p_claim": row.p_claim,
        **dict(zip(("natural", "natural_low", "natural_high"), row.natural(), strict=True)),
        "notes": "; ".join(row.notes),
    }


def run_sensitivity(
    evidence: Evidence, model: Model, *, prob: float = 0.95, say: Callable[[str], None] = lambda text: None
) -> Sensitivity:
    """Ask every question of one outcome under one model; all answers are exact.

    Parameters
    ----------
    evidence, model
        What to look at; `model` is complete.
    prob
        Probability of every equal-tailed interval.
    say
        Told what is going on, for a reader who waits.

    Raises
    ------
    InputError
        A model of rates, which has no effect.
    """
    setting = Setting(evidence, model, prob)
    seconds: dict[str, float] = {}

    def timed[X](what: str, compute: Callable[[], X]) -> X:
        say(what)
        start = time.perf_counter()
        result = compute()
        seconds[what] = time.perf_counter() - start
        return result

    answer = timed("Posterior", lambda: setting.answer)
    baselines = timed("Baseline priors", lambda: compare_baselines(setting))
    association = timed("Association within patients", lambda: sweep_association(setting))
    grid = timed("Prior grid", lambda: cross_priors(setting, baselines))
    power = timed("Power-scaling", lambda: scale_powers(setting))
    tipping = timed("Tipping points", lambda: find_tipping_points(setting))
    bias = timed("Bias", lambda: find_bias_tipping(setting))
    left_out = timed("Leave one out", lambda: leave_one_out(setting))
    tau = timed("Heterogeneity", lambda: learn_about_tau(setting))
    comparison = timed("Model comparison", lambda: compare_models(setting))
    given_tau = timed("Effects given tau", lambda: effects_given_tau(setting))
    policies = timed("Zero-cell policies", lambda: compare_policies(evidence, model, prob))
    readings = timed("Readings", lambda: compare_readings(evidence, model, prob))
    multiverse = timed("Multiverse", lambda: run_multiverse(evidence, model, prob=prob))
    axes = gather_axes(setting, baselines, grid, left_out)
    return Sensitivity(
        evidence=evidence,
        model=model,
        prob=prob,
        direction=setting.direction,
        answer=answer,
        movement=setting.posterior.movement,
        baselines=baselines,
        association=association,
        prior_grid=grid,
        power_scaling=power,
        tipping=tipping,
        bias=bias,
        left_out=left_out,
        tau=tau,
        comparison=comparison,
        given_tau=given_tau,
        policies=policies,
        readings=readings,
        multiverse=multiverse,
        axes=axes,
        sentences=write_sentences(setting, axes, grid, tipping, bias),
        notes=(*evidence.notes, *_notes(setting), *tipping.notes, *power.notes),
        seconds=seconds,
    )


def _notes(setting: Setting) -> tuple[str, ...]:
    notes = []
    if setting.evidence.benefit is None:
        notes.append("The direction of benefit is not known (--benefit): P is that of an effect above 0.")
    if not setting.model.has_baseline:
        notes.append(
            f"The {setting.model.likelihood} model has no baseline risk, so there is no baseline prior to vary."
        )
    return tuple(notes)
