"""The wording and the edges of the checks; that each fires is in tests/oracle/test_audit_corruptions.py."""

import json

import pytest

from bayes_ivig.audit import audit
from bayes_ivig.audit.finding import Finding
from bayes_ivig.audit.intervals import two_sided_tests
from bayes_ivig.audit.review import audit_one, audit_review
from bayes_ivig.audit.sizes import load_sizes
from bayes_ivig.errors import InputError
from bayes_ivig.evidence import Evidence
from bayes_ivig.published import Published
from bayes_ivig.reviews import load_review
from bayes_ivig.studies import Effect, PairedMargins, TwoArm

TRIAL = TwoArm("a", 4, 10, 2, 10)


def evidence(*studies, **more):
    return Evidence("user", "one", studies or (TRIAL,), **more)


def findings(item, *studies, **more):
    return audit(evidence(*studies, **more), (item,)).findings


def only(item, *studies, **more):
    (found,) = findings(item, *studies, **more)
    return found


def test_an_interval_that_cannot_be_of_its_estimate():
    found = only(Published("x", "x", "RR", "unknown", "2.00", ("0.47", "12.00")))
    assert (found.check, found.sure) == ("interval", "probable")
    assert found.consistent.startswith("with these limits, an estimate of 2.37")  # sqrt(0.47 x 12.00)
    assert "an upper limit of 8.51" in found.consistent  # 2.00^2 / 0.47


def test_an_interval_symmetric_on_the_wrong_scale():
    found = only(Published("x", "x", "RR", "unknown", "2.00", ("1.00", "3.00")))
    assert "but on the natural scale" in found.seen


def test_rounding_explains_coarse_intervals():
    # 0.2 (0.07 to 0.5): the middle of the limits may be 0.187, printed as 0.2.
    assert findings(Published("x", "x", "RR", "unknown", "0.2", ("0.07", "0.5"))) == ()


@pytest.mark.parametrize(("p", "check"), [("0.35", None), ("0.17", "one-sided P"), ("0.01", "P and interval")])
def test_p_beside_an_interval(p, check):
    # log 2 over (log 8.56 - log 0.47) / 3.92 is z = 0.936: two-sided 0.349, one-sided 0.175.
    item = Published("x", "x", "OR", "unknown", "2.00", ("0.47", "8.56"), p=p)
    found = [f.check for f in findings(item, Effect("e", 0.5, 2.0))]
    assert found == ([check] if check else [])


def test_p_of_another_usual_test_is_no_fault():
    # Fisher's exact test of 4/10 against 2/10 gives 0.628, far from the 0.35 of the interval.
    assert findings(Published("x", "x", "RR", "reproduced", "2.00", ("0.47", "8.56"), p="0.63")) == ()


def test_two_sided_tests_of_one_trial():
    from scipy.stats import chi2_contingency, fisher_exact, hypergeom

    table = [[7, 2], [2, 7]]
    tests = dict(two_sided_tests((TwoArm("leger", 7, 9, 2, 9),)))
    assert tests["Fisher exact"] == pytest.approx(fisher_exact(table).pvalue)
    assert tests["chi-squared"] == pytest.approx(chi2_contingency(table, correction=False).pvalue)
    assert tests["chi-squared with continuity correction"] == pytest.approx(chi2_contingency(table).pvalue)
    law = hypergeom(18, 9, 9)
    assert tests["Fisher mid-P"] == pytest.approx(2 * (law.sf(7) + law.pmf(7) / 2))
    assert two_sided_tests((TwoArm("none", 0, 5, 0, 5),)) == [("Fisher exact", 1.0)]
    assert two_sided_tests((TRIAL, TwoArm("b", 1, 5, 2, 5))) == []


def test_grim_names_the_neighbours():
    found = only(Published("x", "x", "percent", "unknown", "35.0", arm="t", n_t="10"))
    assert (found.check, found.sure) == ("impossible percentage", "certain")
    assert found.consistent.startswith("30.0 (3 of 10) or 40.0 (4 of 10) percent")
    assert findings(Published("x", "x", "percent", "unknown", "30", arm="t")) == ()  # wrong, but possible


def test_a_correction_that_moves_the_estimate_says_to_where():
    trials = (TwoArm("a", 5, 5, 0, 5), TwoArm("b", 11, 16, 0, 16), TwoArm("c", 5, 6, 1, 6))
    found = only(Published("x", "x", "RR", "reproduced", "11.00", ("2.86", "42.25")), *trials)
    assert found.check == "continuity correction"
    assert found.consistent == "without it, RR 21.0 (3.05 to 144) by Mantel-Haenszel"
    inverted = only(Published("x", "x", "RR", "reproduced", "0.09", ("0.02", "0.35"), inverted=True), *trials)
    assert inverted.consistent == "without it, RR 0.0476 (0.00692 to 0.328) by Mantel-Haenszel"


def test_a_result_nearly_upside_down():
    trials = (TwoArm("a", 14, 50, 5, 50), TwoArm("b", 16, 60, 6, 60))  # Mantel-Haenszel RR 2.73 (1.41 to 5.28)
    found = only(Published("x", "x", "RR", "unknown", "0.38", ("0.19", "0.72")), *trials)
    assert (found.check, found.sure) == ("direction", "probable")
    assert "near what these data give as control over treatment" in found.seen
    assert findings(Published("x", "x", "RR", "unknown", "2.80", ("1.40", "5.60")), *trials) == ()  # not reproduced
    near_one = (TwoArm("a", 9, 50, 8, 50),)
    assert findings(Published("x", "x", "RR", "unknown", "0.91", ("0.38", "2.17")), *near_one) == ()


def test_pairs_left_by_the_margins_are_counted():
    result = audit(evidence(PairedMargins("berg", 5, 1, 6)), ())
    assert result.pairs == (("berg", 2),)


def test_results_expected_to_be_reproduced_fail_and_findings_do_not():
    wrong = Published("x", "x", "RR", "reproduced", "9.99")
    assert [p.id for p in audit(evidence(), (wrong,)).failed] == ["x"]
    assert audit(evidence(), (Published("x", "x", "RR", "unknown", "9.99"),)).failed == ()


def test_counts_that_are_called_reconstructed_are_searched_for():
    rows = ({"study": "a", "status_t": "reconstructed", "status_c": "reported"},)
    item = Published("x", "x", "percent", "reproduced", "40", arm="t")
    ((name, found),) = audit(evidence(rows=rows), (item,)).reconstructions
    assert (name, found.tried, found.unique) == ("", 1, True)
    assert audit(evidence(), (item,)).reconstructions == ()
    assert audit(evidence(), (item,), enumerate_all=True).reconstructions[0][1].unique is False  # control arm unknown


def test_json_is_plain():
    result = audit_one(evidence(), (Published("x", "x", "RR", "unknown", "0.50", ("0.12", "2.14")),))
    plain = json.loads(json.dumps(result.to_json()))
    assert (plain["n_published"], plain["n_reproduced"], plain["n_findings"]) == (1, 0, 1)
    (found,) = plain["outcomes"][0]["findings"]
    assert set(found) == {"check", "about", "seen", "consistent", "sure", "reason"}
    assert (found["check"], found["sure"]) == ("direction", "certain")
    assert found["seen"].startswith("RR 0.50 (0.12 to 2.14) is control over treatment in these data")


def test_a_finding_is_sure_in_known_words():
    with pytest.raises(ValueError, match="'maybe' is not one of"):
        Finding("x", (), "", "", "maybe", "")


@pytest.fixture(scope="module")
def update():
    return audit_review(load_review("mmn-2022"))


# What is known to be wrong with the update, as far as data can show it.
FAULTS = {
    "plus-minus of grip strength is the SE": ("SE and SD", "federico-2000-grip", "within patients of 0.09"),
    "plus-minus of disability is the SE": ("SE and SD", "federico-2000-neurological-disability", "patients of 0.25"),
    "unit or test of conduction block differs": ("SE and SD", "federico-2000-conduction-block", "of -0.70"),
    "SMD 3.78, SE entered as SD": ("SE and SD", "1.7", "0.583"),
    "SMD 1.13, interval too wide": ("interval and n", "1.3", "3.3 times the 0.283"),
    "29 participants do not add up": ("participants", "1.3", "29 participants"),
    "three figures for grip strength": ("sources disagree", "hahn-news-grip", "22.94"),
    "first-period data claimed": ("data claimed", "1.1", "RR 2.51 (0.689 to 9.15)"),
    "Léger decides significance": ("reading decides", "1.1", "RR 4.20 (1.30 to 13.6)"),
    "18 participants are exposures": ("patients counted twice", "1.1", "1.1, 20"),
    "34 participants are exposures": ("patients counted twice", "vanschaik2005-participants", "36 patients"),
    "both periods as independent people": ("patients counted twice", "1.2", "in both arms"),
    "12 randomised, 5 used": ("participants", "azulay-randomised", "the data have 5"),
    "denominator 10 of 16": ("missing patients", "Federico 2000", "10 in conduction-block; 16 in"),
    "one-sided P of Hahn": ("one-sided P", "hahn-2013-discordant", "P = 0.041"),
    "one-sided P of Léger": ("one-sided P", "leger-2001-responders", "P = 0.057"),
    "one or two serious events": ("sources disagree", "hahn-label-serious", "1 event (hahn2013); 2 events"),
    "100 or 176 other events": ("sources disagree", "hahn-label-nonserious", "100 events (hahn2013); 176 events"),
    "risk of 112 per 100": ("absolute risk", "sof-disability", "112 is outside 0 to 100"),
    "risk of 156 per 100": ("absolute risk", "sof-strength", "156 is outside 0 to 100"),
    "33 against 39 observed": ("absolute risk", "sof-disability", "7 of 18, 38.9 per 100, were observed"),
    "41 against 78 observed": ("absolute risk", "sof-strength", "21 of 27, 77.8 per 100, were observed"),
    "direction flips": ("direction", "1.5", "1.5 is printed as placebo over IVIg"),
    "strength made by the correction": ("continuity correction", "1.2", "RR 21.0"),
    "disability made by the correction": ("continuity correction", "1.1", "RR 3.50"),
    "side effects made by the correction": ("continuity correction", "1.8", "RR 15.0"),
    "conduction block made by the correction": ("continuity correction", "1.4", "exists only because"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_the_known_faults_of_the_update_are_found(update, fault):
    check, about, words = FAULTS[fault]
    found = [f for f in update.findings if f.check == check and about in f.about]
    assert any(words in f"{f.seen} {f.consistent}" for f in found), found


def test_the_update_is_reproduced_as_far_as_it_can_be(update):
    assert update.failed == ()
    ratios = [r for a in update.audits for r in a.reproductions if r.published.measure == "RR"]
    assert len(ratios) == 13
    assert all(r.reproduced and any(e.method == "Mantel-Haenszel" for e in r.by) for r in ratios)
    # By no other method, but where trials without weight leave a single one.
    pooled = [r for r in ratios if r.published.id in ("1.1", "1.2", "1.2.1", "1.4", "1.8")]
    assert {e.method for r in pooled for e in r.by} == {"Mantel-Haenszel"}
    block = {name: r for a in update.audits for name, r in a.reconstructions}
    assert (block[""].unique, block["federico-all-16"].solutions) == (True, ())


def test_every_reconstruction_of_the_update_is_unique():
    result = audit_review(load_review("mmn-2022"), enumerate_all=True)
    found = {a.evidence.outcome: r for a in result.audits for name, r in a.reconstructions if not name and a.evidence}
    assert all(found[name].unique for name in ("strength", "disability", "adverse-events", "conduction-block"))


def test_the_first_edition_has_few_flags():
    result = audit_review(load_review("mmn-2007"))
    assert result.failed == ()
    assert sorted(f.check for f in result.findings) == [
        "continuity correction", "missing patients", "patients counted twice", "patients counted twice",
    ]  # fmt: skip


def test_sizes_with_unknown_events(tmp_path):
    path = tmp_path / "sizes.csv"
    path.write_text("study,n_t,n_c,events_t,events_c\na,5,5,,\nb,16,16,11,0\n")
    first, second = load_sizes(path)
    assert (first.known, second.known, second.events_t) == (False, True, 11)
    path.write_text("study,n1i,n2i\na,5,5\n")
    assert load_sizes(path)[0].n_t == 5
    path.write_text("study,events_t,n_t,events_c,n_c\na,1,5,2,5\n")
    assert load_sizes(path) is None
    path.write_text("study,n_t,n_c\na,5,x\n")
    with pytest.raises(InputError, match="line 2, column 'n_c': 'x' is not a number"):
        load_sizes(path)
    assert load_sizes(tmp_path / "none.csv") is None
