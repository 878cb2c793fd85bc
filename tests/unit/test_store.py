"""Results on disk: all or nothing, whatever happens; and text that JSON readers and spreadsheets can trust."""

import csv
import io
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayes_ivig import store
from bayes_ivig.errors import InputError
from bayes_ivig.store import csv_text, json_text, replace_folder


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def write(folder: Path, text: str) -> None:
    (folder / "figures").mkdir()
    for name in ("fit.json", "studies.csv", "figures/forest.svg"):
        (folder / name).write_text(text)


OLD = dict.fromkeys(("fit.json", "studies.csv", "figures/forest.svg"), b"old")
NEW = dict.fromkeys(OLD, b"new")


@pytest.fixture
def leaf(tmp_path: Path) -> Path:
    """A result folder that stands already."""
    folder = tmp_path / "results" / "leaf"
    folder.mkdir(parents=True)
    write(folder, "old")
    return folder


def test_a_new_result_stands_alone_in_its_place(tmp_path):
    leaf = tmp_path / "results" / "review" / "leaf"
    with replace_folder(leaf) as folder:
        write(folder, "new")
        assert folder.parent == leaf.parent
        assert not leaf.exists()
    assert snapshot(leaf) == NEW
    assert list(leaf.parent.iterdir()) == [leaf]


def test_the_new_result_replaces_the_whole_old_one(leaf):
    (leaf / "stray.txt").write_text("of the old result")
    with replace_folder(leaf) as folder:
        write(folder, "new")
        assert snapshot(leaf) == OLD | {"stray.txt": b"of the old result"}
    assert snapshot(leaf) == NEW
    assert list(leaf.parent.iterdir()) == [leaf]


def test_a_result_is_as_readable_as_any_new_folder(leaf):
    other = leaf.with_name("other")
    other.mkdir()
    with replace_folder(leaf) as folder:
        write(folder, "new")
    assert leaf.stat().st_mode == other.stat().st_mode


@pytest.mark.parametrize("error", [RuntimeError("a bug"), KeyboardInterrupt(), SystemExit(1), MemoryError()])
def test_whatever_ends_the_block_leaves_the_old_result(leaf, error):
    def run() -> None:
        with replace_folder(leaf) as folder:
            write(folder, "new")
            raise error

    with pytest.raises(type(error)):
        run()
    assert snapshot(leaf) == OLD
    assert list(leaf.parent.iterdir()) == [leaf]


def test_a_failed_write_is_one_sentence(leaf):
    sentence = r"leaf: the result could not be written \(No such file.*\); the earlier result.*unchanged$"
    with pytest.raises(InputError, match=sentence), replace_folder(leaf) as folder:
        (folder / "missing" / "fit.json").write_text("new")
    assert snapshot(leaf) == OLD
    assert list(leaf.parent.iterdir()) == [leaf]


def test_without_the_system_call_the_result_is_replaced_in_two_steps(leaf, monkeypatch):
    monkeypatch.setattr(store, "_exchange_atomically", lambda a, b: False)
    with replace_folder(leaf) as folder:
        write(folder, "new")
    assert snapshot(leaf) == NEW
    assert list(leaf.parent.iterdir()) == [leaf]


def test_a_failure_between_the_two_steps_brings_the_old_result_back(leaf, monkeypatch):
    monkeypatch.setattr(store, "_exchange_atomically", lambda a, b: False)
    rename, calls = Path.rename, []

    def fail_on_the_second_step(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == 3:  # new to leaf (refused: not empty), leaf to old, new to leaf
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail_on_the_second_step)
    with pytest.raises(KeyboardInterrupt), replace_folder(leaf) as folder:
        write(folder, "new")
    assert len(calls) == 4
    assert snapshot(leaf) == OLD
    assert list(leaf.parent.iterdir()) == [leaf]


@pytest.mark.parametrize("second_step", [False, True])
def test_a_kill_between_the_two_steps_is_mended_by_the_next_run(leaf, second_step):
    old = leaf.with_name(".leaf-0a1b2c3d.part-old")
    leaf.rename(old)
    if second_step:  # the killed run's own result stood already
        leaf.mkdir()
        write(leaf, "2nd")
    with replace_folder(leaf) as folder:
        assert snapshot(leaf) == (dict.fromkeys(OLD, b"2nd") if second_step else OLD)
        write(folder, "new")
    assert snapshot(leaf) == NEW
    assert list(leaf.parent.iterdir()) == [leaf]


@pytest.mark.skipif(sys.platform != "linux", reason="the system call is Linux's")
def test_the_exchange_is_one_system_call(leaf, monkeypatch):
    inode = leaf.stat().st_ino
    renames = []
    rename = Path.rename
    monkeypatch.setattr(Path, "rename", lambda a, b: renames.append((a, b)) or rename(a, b))
    with replace_folder(leaf) as folder:
        write(folder, "new")
        new = folder.stat().st_ino
    assert leaf.stat().st_ino == new != inode
    assert len(renames) == 1  # the one that was refused because a result stands there


def test_two_runs_at_once_each_write_a_whole_result_and_the_later_wins(leaf):
    with replace_folder(leaf) as first:
        write(first, "new")
        with replace_folder(leaf) as second:
            assert first != second
            assert first.is_dir()  # a live run's folder is not taken for a dead one's
            write(second, "2nd")
        assert set(snapshot(leaf).values()) == {b"2nd"}
    assert snapshot(leaf) == NEW
    assert list(leaf.parent.iterdir()) == [leaf]


@pytest.mark.parametrize("atomic", [True, False])
def test_many_runs_into_one_folder_never_mix(leaf, monkeypatch, atomic):
    if not atomic:
        monkeypatch.setattr(store, "_exchange_atomically", lambda a, b: False)

    def run(number: int) -> None:
        with replace_folder(leaf) as folder:
            write(folder, str(number))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(24)))
    found = snapshot(leaf)
    assert found.keys() == NEW.keys()
    assert len(set(found.values())) == 1
    assert list(leaf.parent.iterdir()) == [leaf]


def test_what_a_killed_run_left_is_removed_by_the_next(leaf):
    code = (
        "import sys, pathlib; from bayes_ivig.store import replace_folder\n"
        "with replace_folder(pathlib.Path(sys.argv[1])) as folder:\n"
        "    (folder / 'fit.json').write_text('half'); print(folder, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(leaf)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        left = Path(child.stdout.readline().strip())
        with replace_folder(leaf) as folder:
            write(folder, "new")
        assert left.is_dir()  # its run is alive
        child.kill()
        assert child.wait(timeout=10) == -signal.SIGKILL
    assert snapshot(left) == {"fit.json": b"half"}
    assert snapshot(leaf) == NEW
    neighbour = leaf.with_name(".leaf-notes")  # not ours to remove
    neighbour.mkdir()
    with replace_folder(leaf) as folder:
        write(folder, "new")
    assert sorted(leaf.parent.iterdir()) == [neighbour, leaf]


def test_a_link_to_a_result_stays_a_link(leaf, tmp_path):
    link = tmp_path / "elsewhere" / "link"
    link.parent.mkdir()
    link.symlink_to(leaf)
    with replace_folder(link) as folder:
        write(folder, "new")
    assert link.is_symlink()
    assert snapshot(leaf) == NEW
    assert list(link.parent.iterdir()) == [link]
    assert list(leaf.parent.iterdir()) == [leaf]


def test_a_link_to_itself_is_refused(tmp_path):
    link = tmp_path / "link"
    link.symlink_to(link)
    with pytest.raises(InputError, match=r"could not be written|cannot write"), replace_folder(link) as folder:
        write(folder, "new")
    assert list(tmp_path.iterdir()) == [link]


def test_a_file_in_the_place_of_the_folder_is_refused_and_kept(tmp_path):
    leaf = tmp_path / "leaf"
    leaf.write_text("mine")
    with pytest.raises(InputError, match=r"leaf: is a file, not a folder; .*--out$"), replace_folder(leaf):
        pytest.fail("nothing is written into a place that cannot be had")
    assert leaf.read_text() == "mine"


def test_a_root_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "results").write_text("mine")
    leaf = tmp_path / "results" / "leaf"
    with pytest.raises(InputError, match=r"results: cannot write there .*--out$"), replace_folder(leaf):
        pytest.fail("nothing is written into a place that cannot be had")


@contextmanager
def read_only() -> Iterator[Path]:
    """A folder where this process may read and not write; root steps down for the while, shorter than a test."""
    with tempfile.TemporaryDirectory() as name:
        folder, user = Path(name), os.geteuid()
        folder.chmod(0o555)
        if user == 0:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            os.seteuid(user)
            folder.chmod(0o755)


@pytest.mark.parametrize("leaf", ["leaf", "review/leaf"])
def test_a_folder_without_permission_is_one_sentence(leaf):
    sentence = r"cannot write there \(Permission denied\); .*--out$"
    with read_only() as folder:
        with pytest.raises(InputError, match=sentence), replace_folder(folder / leaf):
            pytest.fail("nothing is written into a place that cannot be had")
        assert list(folder.iterdir()) == []


def test_json_has_null_for_every_number_that_is_not_finite():
    value = {
        "nan": math.nan,
        "inside": [{"inf": math.inf}, (-math.inf, 1.5)],
        "numpy": [np.float64("nan"), np.float32("inf"), np.float32(0.5), np.int64(3), np.bool_(True)],
    }
    assert json.loads(json_text(value)) == {
        "nan": None,
        "inside": [{"inf": None}, [None, 1.5]],
        "numpy": [None, None, 0.5, 3, True],
    }


def test_json_keeps_every_digit_and_every_letter():
    text = json_text({"study": "Léger 2001", "y": 0.1 + 0.2})
    assert "Léger" in text
    assert json.loads(text)["y"] == 0.1 + 0.2


@pytest.mark.parametrize("cell", ["=1+1", "-cmd", "+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "-inf"])
def test_a_cell_that_a_spreadsheet_would_run_is_quoted(cell):
    header, row = csv.reader(io.StringIO(csv_text([{cell: cell}]), newline=""))
    assert header == row == [f"'{cell}"]


@pytest.mark.parametrize("cell", ["-5", "+1.5", "-1e-3", "-.5", "2-1", "a=b", "Van den Berg 1995", "", "'=1"])
def test_other_cells_stay_as_they_are(cell):
    assert list(csv.reader(io.StringIO(csv_text([{"study": cell, "n": 1}])))) == [["study", "n"], [cell, "1"]]


def test_numbers_are_written_in_full_and_missing_ones_empty():
    rows = [{"y": -0.1 - 0.2, "se": math.nan}, {"y": np.float32("inf"), "n": np.int64(4)}, {"se": None}]
    header, *cells = csv.reader(io.StringIO(csv_text(rows)))
    assert header == ["y", "se", "n"]
    assert cells == [["-0.30000000000000004", "", ""], ["", "", "4"], ["", "", ""]]


@given(st.text())
def test_no_text_begins_a_formula_and_every_text_can_be_read_back(cell):
    (written,) = list(csv.reader(io.StringIO(csv_text([{"study": "x", "cell": cell}]), newline="")))[1][1:]
    assert written in (cell, f"'{cell}")
    if written.startswith(("=", "@", "+", "-")):
        assert math.isfinite(float(written))
