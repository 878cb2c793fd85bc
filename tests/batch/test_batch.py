"""A batch by processes: the same rows however it is run, one row for a bad review, and nothing done twice."""

import csv
import json
import subprocess
from pathlib import Path

import pytest
from batch_help import good_and_bad, reviews_in, table_of, write_reviews

from bayes_ivig.batch import Settings, run_batch
from bayes_ivig.batch.comparators import METHODS, comparator_columns
from bayes_ivig.batch.inputs import CHUNK, Chunk, RawReview, count_reviews, make_chunks, read_reviews
from bayes_ivig.batch.parts import RESULT_COLUMNS, part_of
from bayes_ivig.batch.run import _Loop
from bayes_ivig.batch.work import answer_chunk
from bayes_ivig.errors import InputError
from bayes_ivig.pooled import pool
from bayes_ivig.studies import TwoArm
from bayes_ivig.workers.parts import open_parts

REVIEWS = 150


class StoppedError(Exception):
    pass


@pytest.fixture(scope="module")
def long_table(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("reviews") / "reviews.csv"
    write_reviews(path, REVIEWS)
    return path


@pytest.fixture(scope="module")
def by_two(long_table, tmp_path_factory) -> Path:
    """The results of an undisturbed run by two processes."""
    out = tmp_path_factory.mktemp("out") / "results.parquet"
    done = run_batch(long_table, out, Settings(), jobs=2)
    assert (done.results, done.errors, done.found) == (REVIEWS, 0, 0)
    assert sorted(path.name for path in out.parent.iterdir()) == ["results-errors.parquet", "results.parquet"]
    return out


@pytest.mark.slow
def test_every_review_is_answered_once_in_order_and_as_alone(long_table, by_two):
    rows = table_of(by_two)
    assert tuple(rows[0]) == RESULT_COLUMNS
    assert [row["review"] for row in rows] == reviews_in(long_table)
    assert all(row["error_estimate"] <= 1e-6 for row in rows)
    chunk = next(make_chunks(read_reviews(long_table)))
    alone = answer_chunk(Chunk(0, chunk.reviews[7:8]), Settings()).results[0]
    for key, value in alone.items():
        assert rows[7][key] == (pytest.approx(value, rel=1e-12) if isinstance(value, float) else value)


@pytest.mark.slow
def test_results_do_not_depend_on_the_number_of_workers_nor_on_an_interruption(long_table, by_two, tmp_path):
    out = tmp_path / "results.parquet"

    def stop(done, total, found):
        if done:
            raise StoppedError

    with pytest.raises(StoppedError):
        run_batch(long_table, out, Settings(), jobs=1, progress=stop)
    assert not out.exists()
    assert list((tmp_path / "results.parquet.parts").glob("*.jsonl"))
    done = run_batch(long_table, out, Settings(), jobs=1)
    assert done.found >= CHUNK
    assert out.read_bytes() == by_two.read_bytes()


def test_other_settings_use_no_old_part(long_table, tmp_path):
    chunk = next(make_chunks(read_reviews(long_table)))
    with open_parts(tmp_path / "a.csv") as parts:
        one = part_of(chunk, parts, Settings())
        assert part_of(chunk, parts, Settings(tau=("half-normal(1)",))) != one
        with pytest.raises(InputError, match="another run is writing"), open_parts(tmp_path / "a.csv"):
            pass


@pytest.mark.slow
def test_bad_reviews_cost_one_row_each(tmp_path):
    source = tmp_path / "reviews.csv"
    good, bad = good_and_bad(source, 100, every=10)
    done = run_batch(source, tmp_path / "out.csv", Settings(), jobs=1)
    assert (done.results, done.errors) == (len(good), len(bad))
    with (tmp_path / "out.csv").open() as file:
        assert [row["review"] for row in csv.DictReader(file)] == good
    with (tmp_path / "out-errors.csv").open() as file:
        errors = list(csv.DictReader(file))
    assert {row["review"] for row in errors} == set(bad)
    assert all("reviews.csv" in row["error"] and "Traceback" not in row["error"] for row in errors)


@pytest.mark.slow
def test_a_folder_of_files_and_several_priors(program, tmp_path):
    folder = tmp_path / "reviews"
    (folder / "inner").mkdir(parents=True)
    (folder / "a.csv").write_text("study,ai,n1i,ci,n2i\nx,1,10,2,11\ny,0,9,3,9\n")
    (folder / "inner" / "b.tsv").write_text("study\tyi\tvi\nx\t0,5\t0,04\ny\t0,1\t0,09\n")
    (folder / "c.csv").write_text("study;events_t;n_t;events_c;n_c\nx;1;10;2;11\n")
    (folder / "notes.md").write_text("not a review")
    command = [program, "batch", str(folder), "--out", str(tmp_path / "out.csv"), "--jobs", "1", "--mu", "normal(0, 1)"]
    priors = ["--tau", "half-normal(0.5)", "--tau", "half-normal(1)"]
    done = subprocess.run([*command, *priors], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("5 rows in ")
    with (tmp_path / "out.csv").open() as file:
        rows = list(csv.DictReader(file))
    found = [(row["review"], row["kind"], row["effect"], row["prior_tau"]) for row in rows]
    assert found == [
        ("a", "two-arm", "random", "half-normal(0.5)"),
        ("a", "two-arm", "random", "half-normal(1)"),
        ("c", "two-arm", "common", ""),
        ("inner/b", "effect", "random", "half-normal(0.5)"),
        ("inner/b", "effect", "random", "half-normal(1)"),
    ]
    assert rows[3]["iv"] == rows[4]["iv"] != ""


def test_rows_of_a_review_need_not_stand_together(tmp_path):
    path = tmp_path / "shuffled.csv"
    path.write_text("study,review,yi,vi\nx,one,0.5,0.04\nx,two,0.1,0.09\ny,one,0.2,0.04\n")
    assert count_reviews(path) == 2
    reviews = list(read_reviews(path))
    assert [(review.name, len(review.rows)) for review in reviews] == [("two", 1), ("one", 2)]
    assert reviews[1].header == ("study", "yi", "vi")


def test_comparators_are_those_of_pool():
    studies = [
        (TwoArm("a", 1, 20, 3, 22), TwoArm("b", 0, 30, 2, 28)),
        (TwoArm("a", 4, 20, 3, 22), TwoArm("b", 5, 9, 2, 8)),
    ]
    for measure in ("OR", "RR"):
        together = comparator_columns([(pair, measure) for pair in studies], 0.95)
        for pair, found in zip(studies, together, strict=True):
            for estimate in pool(pair, measure, 0.95):
                for name, (method, interval, label) in METHODS.items():
                    right = label.split(", ")[1] == estimate.correction or estimate.correction == "none"
                    if (estimate.method, estimate.interval, estimate.measure) == (method, interval, measure) and right:
                        expected = (estimate.estimate, *estimate.ci)
                        if name == "mh" and estimate.correction != "revman":
                            continue
                        assert tuple(found[f"{name}{end}"] for end in ("", "_low", "_high")) == pytest.approx(
                            expected, abs=1e-7
                        )


class Dying:
    """Workers that die of one review."""

    slots = 2

    def __init__(self, settings):
        self.settings, self.chunks = settings, []

    def submit(self, chunk):
        self.chunks.append(chunk)

    def wait(self, tick):
        held, self.chunks = self.chunks, []
        if any(review.name == "r00003" for chunk in held for review in chunk.reviews):
            return [(chunk, None) for chunk in held]
        return [(chunk, answer_chunk(chunk, self.settings)) for chunk in held]

    def close(self):
        pass


def test_a_review_that_kills_its_worker_costs_one_row(tmp_path):
    source = tmp_path / "reviews.csv"
    write_reviews(source, 12)
    chunks = [Chunk(i, tuple(c)) for i, c in enumerate(zip(*[iter(read_reviews(source))] * 4, strict=True))]
    with open_parts(tmp_path / "out.csv") as parts:
        loop = _Loop(parts, Settings(), Dying(Settings()), 12, lambda done, total, found: None)
        for chunk in chunks:
            loop.take(chunk)
        loop.drain()
        rows = [json.loads(line) for path in loop.paths for line in path.read_text().splitlines()]
    errors = [row["error"] for row in rows if "error" in row]
    assert [(row["review"], row["error"]) for row in errors] == [("r00003", "the worker that answered it died")]
    assert [row["result"]["review"] for row in rows if "result" in row] == [f"r{i:05d}" for i in range(12) if i != 3]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nothing.csv"], "nothing.csv: cannot be read"),
        (["empty"], "empty: holds no file of trials"),
        (["a.csv", "--out", "x.xlsx"], "--out: x.xlsx ends in neither"),
        (["a.csv", "--tau", "half-norml(1)"], "--tau: unknown prior"),
        (["a.csv", "--jobs", "0"], "--jobs: 0 is not allowed"),
        (["a.csv", "--scheduler", "tcp://127.0.0.1:1"], "--scheduler: nobody answers"),
        (["a.csv", "--dashboard"], "--dashboard: only a cluster"),
    ],
)
def test_bad_usage_is_one_sentence(program, tmp_path, arguments, sentence):
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.csv").write_text("review,study,ai,n1i,ci,n2i\nr,x,1,10,2,11\n")
    done = subprocess.run([program, "batch", *arguments], capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"bayes-ivig: {sentence}")
    assert done.stderr.count("\n") == 1


def test_a_file_that_cannot_be_read_is_a_row(tmp_path):
    answered = answer_chunk(
        Chunk(0, (RawReview("a", "a.csv", b"\x00\x01"), RawReview("b", "b.csv", problem="gone"))), Settings()
    )
    assert [row["review"] for row in answered.errors] == ["a", "b"]
    assert not answered.results
