import pytest

from bayes_ivig.columns import ALIASES, KINDS_OF_LIKELIHOOD, recognise_columns
from bayes_ivig.errors import InputError
from bayes_ivig.spec import LIKELIHOODS
from bayes_ivig.tabular import Table

CANONICAL = {
    "two-arm": ("events_t", "n_t", "events_c", "n_c"),
    "effect": ("y", "se"),
    "means": ("mean_t", "sd_t", "n_t", "mean_c", "sd_c", "n_c"),
    "single-arm": ("events", "n"),
}
METAFOR = {
    "two-arm": ("ai", "n1i", "ci", "n2i"),
    "effect": ("yi", "sei"),
    "means": ("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i"),
    "single-arm": ("xi", "ni"),
}


def table(*header):
    return Table("t.csv", 1, header, ((2, dict.fromkeys(header, "1")),))


def kind_of(*header, likelihood=None):
    columns = recognise_columns(table(*header), likelihood)
    (kind,) = {layout.make.kind for layout in columns.layouts}
    return kind


@pytest.mark.parametrize("kind", CANONICAL)
def test_every_kind_by_its_own_names_and_metafors(kind):
    assert kind_of("study", *CANONICAL[kind]) == kind
    assert kind_of("slab", *METAFOR[kind]) == kind
    for own, metafor in zip(CANONICAL[kind], METAFOR[kind], strict=True):
        mixed = [metafor if column == own else column for column in CANONICAL[kind]]
        columns = recognise_columns(table("study", *mixed))
        assert columns.names[own] == metafor
        assert columns.layouts[0].make.kind == kind


def test_a_variance_makes_an_effect():
    assert kind_of("study", "yi", "vi") == kind_of("study", "y", "vi") == "effect"


@pytest.mark.parametrize(
    "extra",
    [(), ("events_t", "n_t", "events_c", "n_c"), ("started_t", "started_c"), ("margins_t", "margins_c", "n_pairs")],
)
def test_crossover_tables(extra):
    columns = recognise_columns(table("study", "both", "t_only", "c_only", "neither", *extra))
    assert {layout.make.kind for layout in columns.layouts} == {"crossover"}
    assert columns.note == ""


def test_crossover_margins():
    assert kind_of("study", "margins_t", "margins_c", "n_pairs") == "crossover"


@pytest.mark.parametrize("first", CANONICAL)
def test_extra_columns_are_no_obstacle(first):
    extra = ("year", "alloc", "note", "source", "status_t", "design", "logOR_yi", "logRR_sei", "total", "CI", "trial")
    assert kind_of("study", *CANONICAL[first], *extra) == first


def test_counts_win_over_effects_and_the_note_says_so():
    both = ("study", "ai", "n1i", "ci", "n2i", "yi", "sei")
    columns = recognise_columns(table(*both))
    assert columns.layouts[0].make.kind == "two-arm"
    assert "two-arm and effect" in columns.note
    assert "counts come first" in columns.note
    assert "--model" in columns.note
    chosen = recognise_columns(table(*both), "normal")
    assert chosen.layouts[0].make.kind == "effect"
    assert "--model normal" in chosen.note
    assert kind_of(*both, likelihood="binomial") == "two-arm"


def test_normal_uses_means_and_counts_where_there_are_no_effects():
    assert kind_of("study", *CANONICAL["means"], likelihood="normal") == "means"
    assert kind_of("study", *CANONICAL["two-arm"], likelihood="normal") == "two-arm"


def test_paired_tables_win_over_separate_arms_of_the_same_file():
    header = ("study", "margins_t", "margins_c", "n_pairs", "events_t", "n_t", "events_c", "n_c")
    assert kind_of(*header) == "crossover"
    assert kind_of(*header, likelihood="binomial") == "two-arm"


def test_every_likelihood_knows_its_kinds():
    assert set(KINDS_OF_LIKELIHOOD) == set(LIKELIHOODS)


def test_no_name_stands_for_two_columns():
    names = [alias for accepted in ALIASES.values() for alias in accepted]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (("study", "event_t", "n_t", "events_c", "n_c"), "column 'event_t' is unknown; did you mean 'events_t'?"),
        (("Study", "events_t", "n_t", "events_c", "n_c"), "column 'Study' is unknown; did you mean 'study'?"),
        (("study", "Events-T", "N T", "events_c", "n_c"), "column 'Events-T' is unknown; did you mean 'events_t'?"),
        (("study", "AI", "n1i", "ci", "n2i"), "column 'AI' is unknown; did you mean 'ai'?"),
        (("study", "both", "t_only", "c_only", "neithr"), "column 'neithr' is unknown; did you mean 'neither'?"),
        # Read as correct, these would lose data without a word: the arms, the effects, the patients.
        (
            ("study", "both", "t_only", "c_only", "neithr", "events_t", "n_t", "events_c", "n_c"),
            "column 'neithr' is unknown; did you mean 'neither'?",
        ),
        (("study", "event_t", "n_t", "events_c", "n_c", "y", "se"), "did you mean 'events_t'?"),
        (("study", "y", "se", "particpants"), "column 'particpants' is unknown; did you mean 'participants'?"),
        (("study", "y", "se", "Participants"), "column 'Participants' is unknown; did you mean 'participants'?"),
        (("study", "both", "t_only", "c_only", "neither", "started_T", "started_c"), "did you mean 'started_t'?"),
        (("study", "both", "t_only", "events_t", "n_t", "events_c", "n_c"), "column 'c_only' is missing"),
        (("study", "margins_t", "n_pairs", "y", "se"), "column 'margins_c' is missing"),
        (("events_t", "n_t", "events_c", "n_c"), "column 'study' is missing"),
        (("trial", "events_t", "n_t", "events_c", "n_c"), "column 'study' is missing"),
        (("study", "ai", "events_t", "n_t", "events_c", "n_c"), "columns 'ai' and 'events_t' mean the same; keep one"),
        (("study", "slab", "y", "se"), "columns 'study' and 'slab' mean the same; keep one"),
        (("study", "foo", "xyzzy"), "are of no known kind of data; give for instance"),
        (("study", "effect", "se"), "are of no known kind of data"),
        (("study", "evnts_t", "total"), "column 'evnts_t' is unknown; did you mean 'events_t'?"),
    ],
)
def test_columns_that_are_not_understood(header, words):
    with pytest.raises(InputError) as refusal:
        recognise_columns(table(*header))
    assert words in str(refusal.value)
    assert str(refusal.value).startswith("t.csv, line 1: ")


@pytest.mark.parametrize(
    ("likelihood", "kind", "words"),
    [
        ("binomial", "effect", "the binomial model needs two-arm data, but the file holds effect data"),
        ("crossover", "two-arm", "the crossover model needs crossover data, but the file holds two-arm data"),
        ("single-arm", "means", "the single-arm model needs single-arm data, but the file holds means data"),
        ("normal", "single-arm", "needs effect or means or two-arm data, but the file holds single-arm data"),
    ],
)
def test_a_likelihood_without_its_data(likelihood, kind, words):
    with pytest.raises(InputError, match=words):
        recognise_columns(table("study", *CANONICAL[kind]), likelihood)
