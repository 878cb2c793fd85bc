"""Leave one trial out, exactly: its predictive density, and what it does to mu and tau."""

from dataclasses import asdict, dataclass
from typing import Any

from bayes_ivig.quadrature import fit_posterior
from bayes_ivig.sensitivity.setting import Answer, Setting


@dataclass(frozen=True)
class LeftOut:
    """The answer without one study.

    `elpd` is the log density that the other studies, with the priors, predict for its data: log evidence with it
    minus that without it (Geisser and Eddy, J Am Stat Assoc 1979;74:153-160). `mu_shift` and `tau_shift` are the
    posterior means with it minus those without it, in posterior SDs of the whole.
    """

    study: str
    answer: Answer
    elpd: float
    mu_shift: float
    tau_shift: float | None
    tau_mean: float | None

    def to_json(self) -> dict[str, Any]:
        """The row as plain JSON values."""
        return asdict(self) | {"answer": self.answer.to_json()}

    def to_row(self) -> dict[str, Any]:
        """The row as cells of a table."""
        cells = asdict(self)
        del cells["answer"]
        return {"study": cells.pop("study"), **self.answer.to_row(), **cells}


def leave_one_out(setting: Setting) -> tuple[LeftOut, ...]:
    """Leave out each study in turn; with one study what is left is the prior."""
    whole, varies = setting.posterior, setting.tau is not None
    rows = []
    for i, name in enumerate(setting.names):
        rest = fit_posterior(setting.surface.without(i), setting.mu, setting.tau)
        mu_shift = _in_sds(whole.mu.mean - rest.mu.mean, whole.mu.sd)
        tau_shift = _in_sds(whole.tau.mean - rest.tau.mean, whole.tau.sd) if varies else None
        rows.append(
            LeftOut(
                name,
                setting.answer_of(rest),
                whole.log_evidence - rest.log_evidence,
                mu_shift,
                tau_shift,
                rest.tau.mean if varies else None,
            )
        )
    return tuple(rows)


def _in_sds(shift: float, sd: float) -> float:
    return shift / sd if sd > 0 else 0.0
