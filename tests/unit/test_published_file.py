import pytest

from bayes_ivig.errors import InputError
from bayes_ivig.published import Published
from bayes_ivig.published.file import load_published_results

HEADER = "id,measure,estimate,ci_low,ci_high,p,studies,inverted,participants,arm\n"


@pytest.fixture
def load(tmp_path):
    def write(text, name="published.csv"):
        path = tmp_path / name
        path.write_text(text, "utf-8")
        return load_published_results(path)

    return write


def test_a_csv_keeps_the_printed_decimals(load):
    first, second = load(HEADER + '1.1,RR,2.00,0.50,8.0,"<0.001",a; b,yes,34,\n1.2,percent,4.80,,,,,,,t\n')
    assert first == Published(
        "1.1", "1.1", "RR", "unknown", "2.00", ("0.50", "8.0"), True, ("a", "b"), p="<0.001", participants="34"
    )
    assert second == Published("1.2", "1.2", "percent", "unknown", "4.80", arm="t")


def test_a_limit_may_be_unknown(load):
    (result,) = load("id,measure,estimate,ci_low,ci_high,arm\nx,per-100,33,,112,t\n")
    assert (result.ci, result.printed, result.text) == (("", "112"), ("33", "112"), "33 (up to 112) per 100")


def test_a_toml_has_the_tables_of_a_review(load):
    (result,) = load(
        '[[published]]\nid = "1"\nmeasure = "RR"\nestimate = "2.0"\nci = ["1.0", "4.0"]\nexpected = "reproduced"\n',
        "p.toml",
    )
    assert result == Published("1", "1", "RR", "reproduced", "2.0", ("1.0", "4.0"))


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("id,measure,estimat\n1,RR,2\n", "p.csv", "column 'estimat' is unknown; did you mean 'estimate'"),
        ("id,measure,estimate\n1,RRR,2\n", "p.csv", r"p\.csv, line 2: published '1', measure: 'RRR' is not known"),
        ("id,measure,estimate\n1,RR,2\n1,RR,3\n", "p.csv", "line 3: id '1' is used already"),
        ("id,measure,estimate\n,RR,2\n", "p.csv", "'id' is missing"),
        ("id,estimate\n1,2\n", "p.csv", "'measure' is missing"),
        ("id,measure,estimate,inverted\n1,RR,2,perhaps\n", "p.csv", "column 'inverted': 'perhaps' is not allowed"),
        ("id,measure,p\n1,RR,small\n", "p.csv", "'small' is not a P value; give it as '0.021' or '<0.001'"),
        ("id,measure,n_t\n1,RR,2.5\n", "p.csv", "n_t: '2.5' is not a count"),
        ("id,measure,mean_t\n1,MD,high\n", "p.csv", "'high' is not a number"),
        ("[[published]]\nid = 1\nmeasure = 'RR'\n", "p.toml", "key 'id': give text in quotes"),
        ("[[published]]\nidd = '1'\n", "p.toml", "key 'idd' is unknown; did you mean 'id'"),
        ("published = 3\n", "p.toml", r"no file of \[\[published\]\] tables"),
        ("[published\n", "p.toml", r"no file of \[\[published\]\] tables"),
        ("", "p.csv", "the file is empty"),
    ],
)
def test_what_is_refused(load, text, name, message):
    with pytest.raises(InputError, match=message):
        load(text, name)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"--published: .* cannot be read"):
        load_published_results(tmp_path / "no.csv")
