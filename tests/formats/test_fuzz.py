"""Whatever bytes or text come in, the answer is the data or one sentence: no other error, no delay, nothing written.

500 inputs over the five doors in an ordinary run; BAYES_IVIG_FUZZ=20000 makes the long one. Seeded either way.
"""

import io
import os
import sys
import zipfile
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from review_files import REVIEW, excel, package, package_files, rm5, zipped

from bayes_ivig.columns import KINDS_OF_LIKELIHOOD
from bayes_ivig.data_check import check_source
from bayes_ivig.errors import InputError
from bayes_ivig.formats import read_sources, to_evidence
from bayes_ivig.named_priors import resolve_prior
from bayes_ivig.pooled import pool
from bayes_ivig.shipped import shipped_folder
from bayes_ivig.spec import load_model

INPUTS = int(os.environ.get("BAYES_IVIG_FUZZ", "500"))
SLOWEST = timedelta(seconds=2)
LONGEST = 1500  # characters of a sentence; the longest list the outcomes of a file


def share(part):
    """Settings for this part of all inputs."""
    return settings(
        max_examples=max(1, round(INPUTS * part)),
        derandomize=True,
        deadline=SLOWEST,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
    )


class _Watch:
    """An audit hook, which Python cannot take off again: it listens between `on` and `off` only."""

    def __init__(self):
        self.listening = False
        self.seen = []
        sys.addaudithook(self)

    def __call__(self, event, arguments):
        if not self.listening:
            return
        writing = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if writing or event in ("os.mkdir", "os.rename", "os.remove", "os.link", "os.symlink", "subprocess.Popen"):
            self.seen.append((event, arguments))


WATCH = _Watch()


@contextmanager
def nothing_is_written():
    WATCH.seen.clear()
    WATCH.listening = True
    try:
        yield
    finally:
        WATCH.listening = False
    assert WATCH.seen == []


def answer(read):
    """Run `read`; what it refuses must be one sentence."""
    with nothing_is_written():
        try:
            return read()
        except InputError as error:
            message = str(error)
    assert message
    assert message.isprintable()
    assert len(message) < LONGEST
    return None


def read_all(data, name, likelihood):
    """Every outcome of a file: a refusal of one is no refusal of the others."""
    for source in answer(lambda: read_sources(data, Path(name))) or ():
        evidence = answer(lambda s=source: to_evidence(s, likelihood))
        with nothing_is_written():
            check = check_source(source, likelihood)
        assert (evidence is None) == (check.refused > 0)
        if evidence is not None:
            estimates = answer(lambda e=evidence: pool(e.studies, e.measure))
            assert estimates


def edited(data, edits):
    for place, length, new in edits:
        start = int(place * len(data))
        data = data[:start] + new + data[start + length :]
    return data


def edits(snippets):
    edit = st.tuples(st.floats(0, 1), st.integers(0, 8), st.sampled_from(snippets) | st.binary(max_size=6))
    return st.lists(edit, min_size=1, max_size=5)


LIKELIHOODS = st.sampled_from([None, *KINDS_OF_LIKELIHOOD])
TABLES = (
    b"study,events_t,n_t,events_c,n_c,year\na,4,7,2,7,2001\nb,0,0,0,5,\n",
    b'\xef\xbb\xbfstudy;yi;sei;vi\r\n"a; b";-0,5;0,2;0,04\r\nc;1;;0,3\r\n',
    "study\tm1i\tsd1i\tn1i\tm2i\tsd2i\tn2i\na\t4,3\t7,35\t9\t3,6\t9,43\t9\n".encode("utf-16"),
    b"study,both,t_only,c_only,neither,margins_t,margins_c,n_pairs\na,0,5,0,0,,,\nb,,,,,5,1,6\n",
    b"slab,xi,ni\nx,0,5\n",
)
TABLE_SNIPPETS = [b",", b";", b"\t", b'"', b"\r", b"\n", b"\0", b"\xff\xfe", b"1e999", b"nan", b"-", b"9" * 400,
                  b"\x1b[31m", b"study", b"1.234,5", b"\xe2\x80\xae", b",,,,,,", b"PK\x03\x04", b"<"]  # fmt: skip


@share(0.25)
@given(st.sampled_from(TABLES) | st.binary(max_size=300), edits(TABLE_SNIPPETS), LIKELIHOODS)
def test_text_tables(data, changes, likelihood):
    read_all(edited(data, changes), "t.csv", likelihood)


XML = (rm5(), rm5(REVIEW[3:6], estimates=False), rm5(REVIEW[:2], encoding="utf-16"))
XML_SNIPPETS = [b"<", b">", b"&", b"&lt;", b"&#0;", b"&#x110000;", b'"', b"]]>", b"<!--", b"<!DOCTYPE a [", b"<!ENTITY",
                b' NO="1"', b' LOG_DATA="YES"', b"-1", b"1e308", b"1e-320", b"inf", b"NaN", b"</DICH_OUTCOME>",
                b"<A>" * 300, b"\x00", b"\xff", b"utf-7", b"windows-1252", b"<COMPARISON>", b"<DICH_OUTCOME>",
                b"9" * 500]  # fmt: skip


@share(0.25)
@given(st.sampled_from(XML), edits(XML_SNIPPETS), LIKELIHOODS)
def test_revman_files(data, changes, likelihood):
    read_all(edited(data, changes), "r.rm5", likelihood)


ROWS = [("study", "events_t", "n_t", "events_c", "n_c"), ("a", 1, 5, 0, 5), ("b", 2, 6, 0.5, 5)]
PACKAGE = package_files()
BOOK = excel({"S": ROWS, "T": [("x",)]})
with zipfile.ZipFile(io.BytesIO(BOOK)) as _archive:
    BOOK_FILES = {name: _archive.read(name) for name in _archive.namelist()}
ARCHIVES = (package(), package(REVIEW[:1], 2, nested=True), BOOK)
ZIP_SNIPPETS = [
    b"PK\x01\x02",
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"\xff\xff\xff\xff",
    b"\0\0\0\0",
    b"../",
    b"/",
    b"\x63\0",
    b"\x0c\0",
]
NAMES = st.sampled_from(
    ["../x.csv", "/x", "a/CD1-data-rows.csv", "xl/workbook.xml", "x-data.zip", "xl/worksheets/sheet1.xml"]
)


@share(0.1)
@given(st.sampled_from(ARCHIVES), edits(ZIP_SNIPPETS), LIKELIHOODS)
def test_damaged_archives(data, changes, likelihood):
    read_all(edited(data, changes), "p.zip", likelihood)


@share(0.2)
@given(st.data(), st.sampled_from([PACKAGE, BOOK_FILES]), LIKELIHOODS)
def test_sound_archives_of_damaged_files(data, files, likelihood):
    snippets = (
        TABLE_SNIPPETS
        if files is PACKAGE
        else [*XML_SNIPPETS, b'r="XFD9"', b'<mergeCell ref="A1:B2"/>', b'r="999999999"']
    )
    chosen = data.draw(st.sampled_from(sorted(files)))
    changed = files | {chosen: edited(files[chosen], data.draw(edits(snippets)))}
    if data.draw(st.booleans()):
        changed[data.draw(NAMES)] = data.draw(st.binary(max_size=50))
    read_all(zipped(changed), "p.zip", likelihood)


MODELS = tuple(f.read_bytes() for f in sorted(shipped_folder("models").iterdir(), key=lambda f: f.name)[:4])
TOML_SNIPPETS = [
    b"[",
    b"]",
    b"=",
    b'"',
    b"\n",
    b"[priors]",
    b"[sampler]",
    b"mu",
    b"draws = -1\n",
    b"seed = 1e999\n",
    b"0" * 5000,
    b"inf",
    b"nan",
    b"1979-05-27",
    b"[[priors]]\n",
    b"'''",
    b"\\u0000",
    b"\0",
    b"[" * 2000,
    b"true",
    b"a.b.c = 1\n",
]


@share(0.1)
@given(st.sampled_from(MODELS), edits(TOML_SNIPPETS))
def test_model_files(tmp_path, data, changes):
    path = tmp_path / "m.toml"
    path.write_bytes(edited(data, changes))
    answer(lambda: load_model(str(path)))


PRIORS = (
    "normal(0, 2.82)",
    "0.8*normal(0, 1) + 0.2*student-t(3, 0, 1)",
    "log-normal(-1, .5)",
    "turner2015-x",
    "fixed(0)",
)
PRIOR_SNIPPETS = [
    "(",
    ")",
    "*",
    "+",
    "-",
    ",",
    "1e400",
    "1e-400",
    "nan",
    "half-",
    "normal",
    "0",
    " ",
    "²",
    "\n",
    "sceptical(1)",
    "_",
]


@share(0.1)
@given(
    st.sampled_from(PRIORS) | st.text(max_size=60),
    st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 5), st.sampled_from(PRIOR_SNIPPETS) | st.text(max_size=3)), max_size=5
    ),
)
def test_prior_texts(text, changes):
    prior = answer(lambda: resolve_prior(edited(text, changes), where="--mu"))
    if prior is not None:
        assert resolve_prior(prior.text, where="--mu") == prior


def test_the_watch_sees_what_is_written(tmp_path):
    with pytest.raises(AssertionError), nothing_is_written():
        (tmp_path / "x").write_text("x")
