"""Laws of reading files: nothing but an InputError escapes, and what was written is what is read."""

import csv
import io

from hypothesis import given, settings
from hypothesis import strategies as st

from bayes_ivig.columns import KINDS_OF_LIKELIHOOD
from bayes_ivig.errors import InputError
from bayes_ivig.evidence import parse_studies
from bayes_ivig.studies import Effect, Means, Paired, PairedMargins, SingleArm, TwoArm

FAST = settings(max_examples=300, derandomize=True, deadline=None, database=None)
VALID = (
    b"study,events_t,n_t,events_c,n_c,participants,year\na,4,7,2,7,9,2001\nb,0,0,0,5,,\n",
    b"study,both,t_only,c_only,neither,margins_t,margins_c,n_pairs\na,0,5,0,0,,,\nb,,,,,5,1,6\n",
    b"study,both,t_only,c_only,neither,events_t,n_t,events_c,n_c,started_t,started_c\na,0,2,0,3,2,2,2,2,4,5\n",
    b'slab,yi,sei,vi,note\n"a, b",-0.5,0.2,0.04,"say ""so"""\nc,1,,0.3,\n',
    b"study,m1i,sd1i,n1i,m2i,sd2i,n2i,yi,sei\r\na,4.3,7.35,9,3.6,9.43,9,0.7,4\r\n",
    "\ufeffstudy,xi,ni\nLéger,0,5\n".encode(),
)
SNIPPETS = st.sampled_from([*b',;\n\r"\0\xff-._ ', *(b"e999", b"nan", b"9" * 30, b"\x1b[1m", b"study")]).map(
    lambda new: new if isinstance(new, bytes) else bytes([new])
)
LIKELIHOODS = st.sampled_from([None, *KINDS_OF_LIKELIHOOD])


def read(data, likelihood):
    """Return the studies, or None where they are refused; any other exception fails the test."""
    try:
        studies, rows, _ = parse_studies(data, "t.csv", likelihood)
    except InputError as error:
        message = str(error)
    else:
        assert len(studies) == len(rows) > 0
        return studies
    assert message.startswith("t.csv")
    assert message.isprintable()
    assert len(message) < 500
    return None


@FAST
@given(st.binary(max_size=200), LIKELIHOODS)
def test_random_bytes_are_refused(data, likelihood):
    # No 200 random bytes spell out a header.
    assert read(data, likelihood) is None


@FAST
@given(st.text(alphabet='abcdeinotsuvy_,"\n;1', max_size=200), LIKELIHOODS)
def test_random_text_is_read_or_refused(text, likelihood):
    studies = read(text.encode(), likelihood)
    assert studies is None or all(study.study for study in studies)


@FAST
@given(
    st.sampled_from(VALID),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 5), SNIPPETS | st.binary(max_size=4)), min_size=1, max_size=4),
    LIKELIHOODS,
)
def test_mutated_files_are_read_or_refused(data, edits, likelihood):
    for place, length, new in edits:
        start = int(place * len(data))
        data = data[:start] + new + data[start + length :]
    studies = read(data, likelihood)
    assert studies is None or len({study.kind for study in studies}) == 1


COUNT = st.integers(0, 10**9)
POSITIVE = st.floats(1e-30, 1e30)
NUMBER = st.just(0.0) | POSITIVE | POSITIVE.map(lambda x: -x)
SIZE = st.integers(2, 10**9)


def arm():
    return st.tuples(COUNT, COUNT).map(sorted)


@st.composite
def trials(draw, name):
    """One trial of any kind, and the header and cells that say so."""
    kind = draw(st.sampled_from([TwoArm, Paired, PairedMargins, Effect, Means, SingleArm]))
    if kind is TwoArm:
        header, values = ("events_t", "n_t", "events_c", "n_c"), (*draw(arm()), *draw(arm()))
    elif kind is Paired:
        header = ("both", "t_only", "c_only", "neither", "events_t", "n_t", "events_c", "n_c")
        values = (*draw(st.tuples(*[COUNT] * 4)), *draw(arm()), *draw(arm()))
    elif kind is PairedMargins:
        *margins, n = sorted(draw(st.tuples(COUNT, COUNT, COUNT)))
        header, values = ("margins_t", "margins_c", "n_pairs"), (*draw(st.permutations(margins)), n)
    elif kind is Effect:
        header, values = ("y", "se"), (draw(NUMBER), draw(POSITIVE))
    elif kind is Means:
        header = ("mean_t", "sd_t", "n_t", "mean_c", "sd_c", "n_c")
        values = draw(st.tuples(NUMBER, POSITIVE, SIZE, NUMBER, POSITIVE, SIZE))
    else:
        header, values = ("events", "n"), tuple(draw(arm()))
    return kind(name, *values), header, values


NAMES = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=20).map(str.strip).filter(bool)


@FAST
@given(st.data(), NAMES, st.permutations(range(9)), st.sampled_from(["\n", "\r\n"]))
def test_what_was_written_is_what_is_read(data, name, order, end):
    study, header, values = data.draw(trials(name))
    columns = [("study", name), *zip(header, map(repr, values), strict=True)]
    columns = [columns[i] for i in order if i < len(columns)]
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator=end).writerows(zip(*columns, strict=True))
    assert parse_studies(file.getvalue().encode(), "t.csv")[0] == (study,)
