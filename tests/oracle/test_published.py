"""The results printed by the review, from the counts printed by the review (Keddie 2022, CD004429.pub3)."""

import pytest

from bayes_ivig.published import Published, reproduce
from bayes_ivig.studies import Paired, TwoArm

AZULAY, FEDERICO, LEGER, BERG = "Azulay 1994", "Federico 2000", "Leger 2001", "Van den Berg 1995"

# Events and patients, IVIg then control. Source: Keddie 2022, CD004429.pub3.
TABLES = {
    "strength": {AZULAY: (5, 5, 0, 5), FEDERICO: (11, 16, 0, 16), BERG: (5, 6, 1, 6)},
    "disability": {AZULAY: (0, 5, 0, 5), LEGER: (4, 7, 2, 7), BERG: (3, 6, 0, 6)},
    "conduction block": {
        AZULAY: (0, 5, 0, 5),
        FEDERICO: (5, 10, 0, 10),
        LEGER: (0, 7, 0, 7),
        BERG: (1, 6, 0, 6),
    },
    "side effects": {AZULAY: (2, 5, 0, 5), FEDERICO: (13, 16, 1, 16)},
    "disability worsened": {"Hahn 2013": (7, 42, 17, 42)},
    "grip decline": {"Hahn 2013": (4, 42, 20, 42)},
    "side effects, SCIg": {"Harbo 2009": (3, 9, 6, 9)},
}
# Analysis, outcome, trials (None: all), RR and 95% limits as printed.
RATIOS = [
    ("1.1", "disability", None, "3.00", "0.89", "10.12"),
    ("1.1.1", "disability", (AZULAY, LEGER), "2.00", "0.53", "7.60"),
    ("1.1.2", "disability", (BERG,), "7.00", "0.44", "111.91"),
    ("1.2", "strength", None, "11.00", "2.86", "42.25"),
    ("1.2.1", "strength", (AZULAY, FEDERICO), "17.00", "2.48", "116.59"),
    ("1.2.2", "strength", (BERG,), "5.00", "0.81", "31.00"),
    ("1.4", "conduction block", None, "7.00", "0.95", "51.70"),
    ("1.4.1", "conduction block", (AZULAY, FEDERICO, LEGER), "11.00", "0.69", "175.86"),
    ("1.4.2", "conduction block", (BERG,), "3.00", "0.15", "61.74"),
    ("1.5", "disability worsened", None, "2.43", "1.13", "5.24"),
    ("1.6", "grip decline", None, "0.20", "0.07", "0.54"),
    ("1.8", "side effects", None, "10.33", "2.15", "49.77"),
    ("2.2", "side effects, SCIg", None, "0.50", "0.18", "1.40"),
]


def trials(outcome):
    return [TwoArm(name, *table) for name, table in TABLES[outcome].items()]


@pytest.mark.parametrize(("analysis", "outcome", "studies", "estimate", "low", "high"), RATIOS)
def test_risk_ratios_of_the_review(analysis, outcome, studies, estimate, low, high):
    inverted = analysis == "1.5"  # printed as placebo over IVIg
    printed = Published(analysis, outcome, "RR", "reproduced", estimate, (low, high), inverted, studies)
    result = reproduce(printed, trials(outcome))
    assert result.reproduced
    assert ("Mantel-Haenszel", "revman") in {(e.method, e.correction) for e in result.by}
    assert result.computed == f"{estimate} ({low} to {high})"


@pytest.mark.parametrize("outcome", ["strength", "disability", "conduction block", "side effects"])
def test_only_mantel_haenszel_with_corrected_zeros_reproduces_the_pooled_results(outcome):
    _, _, _, estimate, low, high = next(row for row in RATIOS if row[1] == outcome and row[2] is None)
    result = reproduce(Published("x", outcome, "RR", "reproduced", estimate, (low, high)), trials(outcome))
    assert {(e.method, e.interval) for e in result.by} == {("Mantel-Haenszel", "z")}
    double_zero = any(t.events_t + t.events_c == 0 for t in trials(outcome))
    assert {e.correction for e in result.by} == ({"revman"} if double_zero else {"revman", "only0"})


@pytest.mark.parametrize(
    ("outcome", "arm", "printed", "method"),
    [
        ("strength", "t", "78", "21 of 27"),
        ("strength", "c", "4", "1 of 27"),
        ("disability", "t", "39", "7 of 18"),
        ("disability", "c", "11", "2 of 18"),
        ("side effects", "t", "71", "15 of 21"),
        ("side effects", "c", "4.8", "1 of 21"),
    ],
)
def test_percentages_of_the_review(outcome, arm, printed, method):
    result = reproduce(Published("x", outcome, "percent", "reproduced", printed, arm=arm), trials(outcome))
    assert result.reproduced
    assert result.methods == (method,)


def test_p_values_of_the_trial_reports_are_one_sided():
    # Leger 2001, responders at month 4, 7 of 9 against 2 of 9; Hahn 2013, 15 against 5 discordant patients.
    leger = reproduce(Published("l", "responders", "p", "reproduced", "0.03"), [TwoArm(LEGER, 7, 9, 2, 9)])
    assert leger.methods == ("Fisher exact, one-sided",)
    assert leger.note == "Fisher exact, one-sided 0.0283; Fisher exact, two-sided 0.0567"
    hahn = reproduce(Published("h", "worsened", "p", "reproduced", "0.021"), [Paired("Hahn 2013", 2, 5, 15, 20)])
    assert hahn.methods == ("McNemar exact, one-sided",)
    assert hahn.note == "McNemar exact, one-sided 0.0207; McNemar exact, two-sided 0.0414"
