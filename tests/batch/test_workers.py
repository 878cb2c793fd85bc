"""Workers: each task answered once, one that kills its worker given to another, and what is done kept on disk."""

from functools import partial

import psutil
import pytest
from tasks_for_workers import die, die_once, note, square

from bayes_ivig.workers import answer_each, open_workers
from bayes_ivig.workers.kept import answer_kept
from bayes_ivig.workers.parts import open_parts


@pytest.mark.slow
@pytest.mark.parametrize("how", [{"jobs": 1}, {"jobs": 2}, {"jobs": 2, "scheduler": "local"}])
def test_every_task_is_answered_whoever_works(how):
    workers = open_workers(square, **how)
    try:
        assert dict(answer_each(range(9), workers)) == {x: x * x for x in range(9)}
    finally:
        workers.close()


@pytest.mark.slow
def test_a_local_cluster_listens_to_this_machine_alone():
    workers = open_workers(square, jobs=1, scheduler="local")
    try:
        assert dict(answer_each([3], workers)) == {3: 9}
        here = psutil.Process()
        found = [c for p in (here, *here.children(recursive=True)) for c in p.net_connections() if c.status == "LISTEN"]
    finally:
        workers.close()
    assert len(found) >= 3  # scheduler, its pages, and the worker
    assert {c.laddr.ip for c in found} == {"127.0.0.1"}


def test_a_dead_worker_loses_nothing(tmp_path):
    workers = open_workers(partial(die_once, tmp_path / "mark"), jobs=2)
    try:
        assert dict(answer_each(range(6), workers)) == {x: x * x for x in range(6)}
    finally:
        workers.close()
    assert (tmp_path / "mark").exists()


def test_a_task_that_kills_every_worker_is_named():
    workers = open_workers(die, jobs=1)
    try:
        with pytest.raises(RuntimeError, match="2 workers died at 5"):
            list(answer_each([5], workers))
    finally:
        workers.close()


def test_what_is_done_is_not_done_again(tmp_path):
    marks = tmp_path / "marks"
    marks.mkdir()
    work, said = partial(note, marks), []
    with open_parts(tmp_path / "out") as parts:
        assert answer_kept([1, 2], work, parts, "code", jobs=1) == [1, 4]
        assert answer_kept([3, 2, 1], work, parts, "code", jobs=1, say=said.append) == [9, 4, 1]
        assert sorted(path.name[0] for path in marks.iterdir()) == ["1", "2", "3"]
        assert said == ["3 of 3 parts"]
        answer_kept([1], work, parts, "other code", jobs=1)
        assert sorted(path.name[0] for path in marks.iterdir()) == ["1", "1", "2", "3"]
        parts.remove()
    assert not (tmp_path / "out.parts").exists()
