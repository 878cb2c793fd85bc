"""The crossover block of a report: what the fit says of pairs, and the sweep over the association."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from bayes_ivig.choices import Choices, choose_model
from bayes_ivig.evidence import Evidence
from bayes_ivig.fit import run_fit
from bayes_ivig.fit_json import to_json
from bayes_ivig.page.blocks import Paragraph, Picture, Table
from bayes_ivig.page.crossover import crossover_section, read_view
from bayes_ivig.page.outcome import Outcome
from bayes_ivig.page.results import result_sections
from bayes_ivig.page.sensitivity import with_sensitivity
from bayes_ivig.present_crossover import crossover_parts
from bayes_ivig.store import finite
from bayes_ivig.studies import Paired
from page_fixtures import shipped_outcome

pytestmark = pytest.mark.slow
TRIALS = (Paired("Leger", 0, 2, 0, 3, 2, 2, 2, 2, 4, 5), Paired("Berg", 1, 3, 0, 3))


@pytest.fixture(scope="module")
def fit():
    evidence = Evidence("user", "trials", TRIALS, benefit="higher", measure="OR", sha256="0" * 64)
    return run_fit(evidence, choose_model(evidence, Choices()), engine="quadrature")


@pytest.fixture(scope="module")
def outcome(fit, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setattr("bayes_ivig.sensitivity.association.FIXED", (-6.0, 0.0, 6.0))
        bare = Outcome(fit.evidence, fit.model, finite(to_json(fit)))
        return with_sensitivity(bare, tmp_path_factory.mktemp("results"), None)


def text_of(block):
    if isinstance(block, Table):
        return " ".join(cell.text for row in block.rows for cell in row)
    return block.text if isinstance(block, Paragraph) else ""


def test_the_block_is_read_back_as_the_fit_wrote_it(fit):
    assert read_view(finite(to_json(fit))["crossover"]).to_json() == fit.crossover.to_json()


def test_pairs_stand_beside_parallel_arms_and_the_association_beside_both(fit, outcome):
    (section,) = crossover_section(outcome)
    assert section.id in [one.id for one in result_sections(outcome)]
    texts = [text_of(block) for block in section.blocks]
    for summary in (fit.crossover.crossover, fit.crossover.parallel):
        low, high = summary.ci
        assert f"{low:.2f} to {high:.2f}" in texts[0]
    told = crossover_parts(fit.crossover, "normal(0, 1.5)")
    rows = [cell for part in told if not isinstance(part, str) for row in part.rows for cell in row]
    assert all(any(cell in text for text in texts) for cell in rows)
    assert any("2/4 on treatment, 2/5 on control" in text for text in texts)


def test_the_sweep_is_said_and_drawn(outcome):
    (section,) = crossover_section(outcome)
    (picture,) = [block for block in section.blocks if isinstance(block, Picture)]
    sentence = outcome.sensitivity["association_sentence"]
    assert "from lambda -6 to 6, P(benefit) lies between" in sentence
    assert sentence in picture.alt
    assert "Association within patients" in picture.svg
    assert sentence in [text_of(block) for block in section.blocks]


def test_a_model_of_two_arms_has_no_such_block():
    assert crossover_section(shipped_outcome("strength")) == ()
