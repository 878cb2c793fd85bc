"""Threads of linear algebra: a worker's answer has the same last digit whatever the process around it is told."""

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from bayes_ivig import accepted
from bayes_ivig.batch import work
from bayes_ivig.calibration import coverage, ranks
from bayes_ivig.choices import Choices, choose_model
from bayes_ivig.plan import assurance
from bayes_ivig.plan.design import Design
from bayes_ivig.reviews import load_evidence, load_review
from bayes_ivig.threads import in_one_thread

WORKERS = (
    accepted.make, assurance.answer_size, assurance.run_plan, coverage.judge, ranks.run_task, work.answer_chunk,
)  # fmt: skip


def threads():
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_a_function_computes_in_one_thread_and_leaves_the_others_theirs():
    with threadpool_limits(2, user_api="blas"):
        assert in_one_thread(threads)() == {1}
        assert threads() == {2}


@pytest.mark.parametrize("worker", WORKERS, ids=lambda worker: worker.__name__)
def test_every_worker_computes_in_one_thread(worker, monkeypatch):
    class LimitedError(Exception):
        pass

    def limit(n, user_api):
        raise LimitedError(n, user_api)

    monkeypatch.setattr("bayes_ivig.threads.threadpool_limits", limit)
    with pytest.raises(LimitedError) as raised:
        worker()
    assert raised.value.args == (1, "blas")


def question():
    evidence = load_evidence(load_review("mmn-2007"), "disability", "crossover")
    model = choose_model(evidence, Choices(model="crossover"))
    return assurance.Question(evidence, model, Design("crossover", model), (40,), simulations=600)


@pytest.mark.slow
def test_a_plan_is_the_same_to_the_last_bit_in_one_thread_or_several():
    plans = []
    for n in (1, 2):
        with threadpool_limits(n, user_api="blas"):
            plans.append(assurance.run_plan(question()))
    assert plans[0].rows == plans[1].rows
    assert (plans[0].now, plans[0].limit) == (plans[1].now, plans[1].limit)
