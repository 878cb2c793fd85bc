"""The trials of docs/your-own-review.md are those of the review."""

from blocks import ROOT, blocks_of

from bayes_ivig.evidence import parse_studies
from bayes_ivig.reviews import load_evidence, load_review


def test_the_trials_of_the_page_are_those_shipped():
    shipped = load_evidence(load_review("mmn-2007"), "strength", "binomial").studies
    table = next(block.text for block in blocks_of(ROOT / "docs" / "your-own-review.md") if block.language == "csv")
    studies, _, _ = parse_studies(table.encode(), "trials.csv")
    of = [(s.events_t, s.n_t, s.events_c, s.n_c) for s in studies]
    assert sorted(of) == sorted((s.events_t, s.n_t, s.events_c, s.n_c) for s in shipped)
