"""The command that gives the same answer again."""

import shlex
from collections.abc import Mapping
from typing import Any

from bayes_ivig.page.outcome import Outcome


def fit_command(outcome: Outcome, file: str = "") -> str:
    """Return the `bayes-ivig fit` command of an outcome, quoted for a shell; `file` is the path of a user's data."""
    return shlex.join(["bayes-ivig", "fit", *fit_arguments(outcome, file)])


def sensitivity_command(outcome: Outcome) -> str:
    """Return the `bayes-ivig sensitivity` command of an outcome; a user's file is left to be filled in."""
    words = _model_arguments(outcome, "FILE.csv" if outcome.evidence.review == "user" else "")
    prob = [] if outcome.prob == 0.95 else ["--prob", repr(outcome.prob)]
    return shlex.join(["bayes-ivig", "sensitivity", *words, *prob])


def crossover_command(outcome: Outcome) -> str:
    """Return the command of the report in which a shipped outcome is read as the crossover trials it is from."""
    evidence = outcome.evidence
    return shlex.join(["bayes-ivig", "report", evidence.outcome, "--review", evidence.review, "--model", "crossover"])


def fit_arguments(outcome: Outcome, file: str = "") -> list[str]:
    """Return its arguments, every choice spelled out."""
    fit = outcome.fit
    words = _model_arguments(outcome, file)
    chosen = fit["effects"]["at_control_risk"]
    if chosen:
        risk = chosen["control_risk"]
        words += [
            "--control-risk",
            risk.removeprefix("fixed(").removesuffix(")") if risk.startswith("fixed(") else risk,
        ]
    if outcome.prob != 0.95:
        words += ["--prob", repr(outcome.prob)]
    settings: Mapping[str, Any] = vars(outcome.model.sampler)
    words += ["--seed", str(settings["seed"])]
    if outcome.sampled:
        words += ["--draws", str(settings["draws"])]
    return words


def _model_arguments(outcome: Outcome, file: str) -> list[str]:
    """Data and model, every choice spelled out."""
    evidence, model, fit = outcome.evidence, outcome.model, outcome.fit
    words = [file or evidence.outcome]
    if evidence.review != "user":
        words += ["--review", evidence.review]
    elif evidence.benefit:
        words += ["--benefit", evidence.benefit]
    words += ["--model", model.likelihood, "--effect", model.effect]
    if model.measure not in ("rate", "effect"):
        words += ["--measure", model.measure]
    if model.parametrisation:
        words += ["--parametrisation", model.parametrisation]
    for name, text in fit["priors"].items():
        words += [f"--{name}", text]
    return words
