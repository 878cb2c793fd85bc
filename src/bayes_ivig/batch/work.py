"""What a worker does: a chunk of reviews in, rows of answers and of errors out."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from bayes_ivig import __version__
from bayes_ivig.batch.comparators import comparator_columns
from bayes_ivig.batch.inputs import Chunk, RawReview
from bayes_ivig.batch.settings import Settings, models_for
from bayes_ivig.columns import Columns, recognise_columns
from bayes_ivig.errors import InputError
from bayes_ivig.formats import read_sources
from bayes_ivig.quadrature import fit_posterior, make_surface, shape_of
from bayes_ivig.quadrature.density import Answers
from bayes_ivig.quadrature.lean import fit_lean, make_lean_surface
from bayes_ivig.quadrature.marginal import Marginal
from bayes_ivig.quadrature.posterior import Posterior
from bayes_ivig.quadrature.prior_shapes import Shape
from bayes_ivig.rows import read_rows
from bayes_ivig.spec import Model
from bayes_ivig.store import finite
from bayes_ivig.studies import Study, TwoArm
from bayes_ivig.summary import tails
from bayes_ivig.tabular import Table
from bayes_ivig.threads import in_one_thread

Row = dict[str, Any]


@dataclass(frozen=True)
class Answered:
    """Rows of one chunk: results, one a review and pair of priors, and errors, one a review that has none."""

    results: tuple[Row, ...]
    errors: tuple[Row, ...]


@dataclass(frozen=True)
class _Loaded:
    """One review, its trials checked."""

    name: str
    place: str
    studies: tuple[Study, ...]
    measure: str | None


@in_one_thread
def answer_chunk(chunk: Chunk, settings: Settings, version: str = __version__) -> Answered:
    """Answer every review of a chunk; whatever one of them does, the others are answered.

    Raises
    ------
    InputError
        This worker has another version of the program than the one that asks.
    """
    if version != __version__:
        raise InputError(
            f"a worker has bayes-ivig {__version__}, this is {version}; install the same version everywhere"
        )
    results: list[Row] = []
    errors: list[Row] = []
    loaded: list[_Loaded] = []
    for raw in chunk.reviews:
        try:
            loaded += _load(raw, settings.likelihood)
        except Exception as error:
            errors.append(error_row(raw.name, raw.place, error))
    comparators = comparator_columns([(review.studies, _measure(review, settings)) for review in loaded], settings.prob)
    for review, pooled in zip(loaded, comparators, strict=True):
        try:
            rows = list(_answer(review, settings, pooled))
        except Exception as error:
            errors.append(error_row(review.name, review.place, error))
        else:
            results += rows
    return Answered(tuple(results), tuple(errors))


def error_row(name: str, place: str, error: Exception | str) -> Row:
    """Row of the errors table: a sentence for what the user can mend, the kind of error for a fault of the program."""
    text = str(error) if isinstance(error, (InputError, str)) else f"{type(error).__name__}: {error}"
    return {"review": _clean(name), "file": _clean(place), "error": _clean(text)}


def _clean(text: str) -> str:
    """Return `text` without what UTF-8 cannot hold."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _load(raw: RawReview, likelihood: str | None) -> Iterator[_Loaded]:
    if raw.problem:
        raise InputError(raw.problem)
    if raw.header:
        yield _Loaded(raw.name, raw.place, _studies(raw.table(), likelihood), None)
        return
    sources = [source for source in read_sources(raw.data, Path(raw.place)) if not source.is_subgroup]
    for source in sources:
        name = raw.name if len(sources) == 1 else f"{raw.name}#{source.outcome}"
        yield _Loaded(name, raw.place, _studies(source.table, likelihood), source.measure)


def _studies(table: Table, likelihood: str | None) -> tuple[Study, ...]:
    studies: list[Study] = []
    for row in read_rows(table, _columns(table, likelihood)):
        if row.study is None:
            raise InputError(row.refusal)
        studies.append(row.study)
    return tuple(studies)


def _columns(table: Table, likelihood: str | None) -> Columns:
    """What the columns mean, found out once for tables with the same ones."""
    if not _is_recognised(table.header, likelihood):
        return recognise_columns(table, likelihood)  # says what is wrong, and where
    return _recognised(table.header, likelihood)


@lru_cache(maxsize=64)
def _is_recognised(header: tuple[str, ...], likelihood: str | None) -> bool:
    try:
        _recognised(header, likelihood)
    except InputError:
        return False
    return True


@lru_cache(maxsize=64)
def _recognised(header: tuple[str, ...], likelihood: str | None) -> Columns:
    return recognise_columns(Table("", 1, header, ()), likelihood)


def _measure(review: _Loaded, settings: Settings) -> str | None:
    """The measure of this review's models; None where there are none, which its answer will say."""
    try:
        return _models(review, settings)[0].measure
    except InputError:
        return None


def _models(review: _Loaded, settings: Settings) -> tuple[Model, ...]:
    return models_for(settings, review.studies[0].kind, review.measure, len(review.studies) == 1)


def _answer(review: _Loaded, settings: Settings, pooled: Mapping[str, float | None]) -> Iterator[Row]:
    """One row a model; what does not depend on the priors of mu and tau is computed once."""
    models = _models(review, settings)
    lean = make_lean_surface(review.studies, models[0])
    low, high = tails(settings.prob)
    probs = (low, 0.5, high)
    full = None
    for model in models:
        mu = shape_of(model.priors["mu"], rate=model.likelihood == "single-arm")
        tau = shape_of(model.priors["tau"]) if model.effect == "random" else None
        answer = fit_lean(lean, mu, tau, probs)
        if answer is not None:
            found = (answer.mu, answer.tau, answer.log_evidence, answer.error)
        else:
            full = full or make_surface(review.studies, model)
            found = _by_posterior(fit_posterior(full, mu, tau), probs)
        yield _row(review, model, settings.prob, found, "quadrature" if answer is None else "lean", tau, pooled)


def _by_posterior(posterior: Posterior, probs: tuple[float, ...]) -> tuple[Answers, Answers, float, float]:
    return _describe(posterior.mu, probs), _describe(posterior.tau, probs), posterior.log_evidence, posterior.movement


def _describe(marginal: Marginal, probs: tuple[float, ...]) -> Answers:
    quantiles = tuple(float(marginal.quantile(q)) for q in probs)
    return Answers(marginal.mean, marginal.sd, quantiles, marginal.p_gt(0.0))


def _row(
    review: _Loaded,
    model: Model,
    prob: float,
    found: tuple[Answers, Answers, float, float],
    engine: str,
    tau_prior: Shape | None,
    pooled: Mapping[str, float | None],
) -> Row:
    mu, tau, log_evidence, error = found
    studies = review.studies
    participants = [study.n_participants for study in studies]
    row: Row = {
        "review": _clean(review.name),
        "file": _clean(review.place),
        "kind": studies[0].kind,
        "likelihood": model.likelihood,
        "measure": model.measure,
        "effect": model.effect,
        "parametrisation": model.parametrisation,
        "prior_mu": model.priors["mu"].text,
        "prior_tau": tau_prior.text if tau_prior else None,
        "prior_baseline": model.priors["baseline"].text if model.has_baseline else None,
        "n_studies": len(studies),
        "n_participants": None if None in participants else sum(n for n in participants if n is not None),
        "n_double_zero": sum(isinstance(s, TwoArm) and s.events_t == s.events_c == 0 for s in studies),
        "prob": prob,
    }
    for name, answers in (("mu", mu), ("tau", tau)):
        low, median, high = answers.quantiles
        row |= {f"{name}_mean": answers.mean, f"{name}_sd": answers.sd, f"{name}_median": median}
        row |= {f"{name}_low": low, f"{name}_high": high}
        if name == "mu":
            row["mu_p_gt_0"] = answers.p_gt_0
        elif tau_prior is None:
            row |= {key: None for key in row if key.startswith("tau_")}
    row |= {"log_evidence": log_evidence, "engine": engine, "error_estimate": error, **pooled}
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else finite(value)
        for key, value in row.items()
    }
