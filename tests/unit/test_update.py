"""New trials join those at hand; what they moved is said."""

import pytest

from bayes_ivig.choices import Choices, choose_model
from bayes_ivig.errors import InputError
from bayes_ivig.fit import run_fit
from bayes_ivig.reviews import load_evidence, load_review
from bayes_ivig.update import add_trials, compare_fits, folder_suffix

pytestmark = pytest.mark.slow  # every test needs answers of the whole engine

HEADER = "study,events_t,n_t,events_c,n_c\n"


@pytest.fixture
def strength():
    return load_evidence(load_review("mmn-2007"), "strength")


def write(tmp_path, text, name="new_trials.csv"):
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return path


def test_added_trials_come_last_and_are_named(tmp_path, strength):
    path = write(tmp_path, f"{HEADER}Novak 2031,8,12,2,12\n")
    more = add_trials(strength, path)
    assert [s.study for s in more.studies] == [*(s.study for s in strength.studies), "Novak 2031"]
    assert more.n_participants == strength.n_participants + 24
    assert more.sha256 != strength.sha256
    assert any("Novak 2031" in note for note in more.notes)
    assert len(more.rows) == len(more.studies)
    assert folder_suffix(path) == "-with-new-trials"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (f"{HEADER}Azulay 1994,8,12,2,12\n", "'Azulay 1994' in new_trials.csv is among the trials at hand"),
        (f"{HEADER}azulay 1994,8,12,2,12\n", "among the trials at hand"),
        ("study,y,se\nNovak 2031,1,0.5\n", "."),
        (f"{HEADER}Novak 2031,13,12,2,12\n", "exceeds"),
        (HEADER, "."),
    ],
)
def test_trials_that_cannot_join_are_refused(tmp_path, strength, text, complaint):
    with pytest.raises(InputError, match=complaint):
        add_trials(strength, write(tmp_path, text))


def test_what_moved_is_the_difference_of_two_fits(tmp_path, strength):
    more = add_trials(strength, write(tmp_path, f"{HEADER}Novak 2031,4,30,4,30\n"))
    model = choose_model(more, Choices())
    before, after = (run_fit(evidence, model, engine="quadrature") for evidence in (strength, more))
    moved = compare_fits(before, after)
    assert moved.added == ("Novak 2031",)
    changes = {change.name: change for change in moved.changes}
    average = changes["OR, average trial"]
    assert average.after[0] < average.before[0]
    assert average.shift == pytest.approx((after.mu.median - before.mu.median) / before.mu.sd)
    benefit = changes["P(benefit), average trial"]
    assert (benefit.before, benefit.after) == (before.p_benefit, after.p_benefit)
    assert changes["tau"].after[0] > changes["tau"].before[0]
    treated = changes["per 100 treated, in these trials"]
    assert treated.after[0] < treated.before[0]
    assert moved.to_json()["changes"][0]["before"]["median"] == pytest.approx(average.before[0])


def test_fits_of_different_models_are_not_compared(strength):
    fits = [
        run_fit(strength, choose_model(strength, Choices(measure=measure)), engine="quadrature")
        for measure in ("OR", "RR")
    ]
    with pytest.raises(InputError, match="same model"):
        compare_fits(*fits)
