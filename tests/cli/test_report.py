"""The command that writes the review page."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from bayes_ivig.store import json_text
from page_fixtures import SVG, shipped_outcome


def run(program: str, *words: str, cwd: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"HOME": str(cache), "XDG_CACHE_HOME": str(cache), "PYTHONUTF8": "1"}
    return subprocess.run(
        [program, "report", *words], cwd=cwd, env=environment, capture_output=True, text=True, timeout=300
    )


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def stored(tmp_path):
    """A folder with one stored run of a shipped outcome."""
    outcome = shipped_outcome("grip-strength")
    folder = tmp_path / "results" / "mmn-2007" / "grip-strength" / outcome.model.slug
    folder.mkdir(parents=True)
    (folder / "fit.json").write_text(json_text(outcome.fit), "utf-8")
    for name in ("forest", "prior-posterior"):
        (folder / f"{name}.svg").write_text(SVG, "utf-8")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--format", "pdf"], "--format: 'pdf' is not known; give one of html, md, docx, json"),
        (["--engine", "nut"], "--engine: 'nut' is not an engine"),
        (["strenght"], "did you mean 'strength'?"),
        (["strength", "trials.csv"], "give outcomes of a review or files of your own, not both"),
        (["strength", "--benefit", "lower"], "a shipped outcome has its direction already"),
        (["strength", "--prob", "1.5"], "--prob: 1.5 is not allowed"),
        (["grip-strength", "--out", "."], "is a folder; give the name of a file"),
    ],
)
def test_bad_usage_is_one_sentence(program, stored, cache, words, sentence):
    done = run(program, *words, cwd=stored, cache=cache)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not (stored / "review.html").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("format_", "start"), [("html", "<!DOCTYPE html>"), ("md", "# Intra"), ("json", "{")])
def test_a_stored_run_is_reported_without_sampling(program, stored, cache, format_, start):
    done = run(program, "grip-strength", "--format", format_, cwd=stored, cache=cache)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    text = (stored / f"review.{format_}").read_text("utf-8")
    assert text.lstrip().startswith(start)
    assert "stored run results/mmn-2007/grip-strength" in text or format_ == "json"
    if format_ == "json":
        assert json.loads(text)["outcomes"][0]["stored"].startswith("results")


@pytest.mark.slow
def test_a_failed_check_exits_3_and_writes(program, stored, cache):
    (path,) = stored.rglob("fit.json")
    fit = json.loads(path.read_text("utf-8"))
    fit["checks"][0]["passed"] = False
    path.write_text(json.dumps(fit), "utf-8")
    done = run(program, "grip-strength", "--out", "bad.html", cwd=stored, cache=cache)
    assert done.returncode == 3
    assert "CHECK FAILED" in (stored / "bad.html").read_text("utf-8")


@pytest.mark.slow
def test_a_users_own_file_makes_a_page_that_works_the_same(program, tmp_path, cache):
    (tmp_path / "my trials.csv").write_text(
        "slab,ai,n1i,ci,n2i\nOne 1999,3,10,1,10\nTwo <i>2001</i>,5,20,2,18\n", "utf-8"
    )
    done = run(program, "my trials.csv", "--benefit", "higher", "--out", "mine.html", cwd=tmp_path, cache=cache)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "mine.html").read_text("utf-8")
    assert "Two &lt;i&gt;2001&lt;/i&gt;" in text
    assert "bayes-ivig fit &#39;my trials.csv&#39; --benefit higher" in text
    assert '"surfaces":[{"label":"binomial, beta(1, 1) on the midpoint"' in text
