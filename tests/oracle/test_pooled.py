"""Every pooled estimate against R's metafor, every key of every reference file."""

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bayes_ivig.pooled import Estimate, pool
from bayes_ivig.studies import Effect, Means, Paired, SingleArm, Study, TwoArm

REFERENCE = Path(__file__).parents[1] / "reference"
METHODS = {
    "EE": "inverse variance",
    "DL": "DerSimonian-Laird",
    "PM": "Paule-Mandel",
    "REML": "REML",
}
INTERVALS = {"z": "z", "knha": "Hartung-Knapp", "adhoc": "Hartung-Knapp, ad hoc"}
NOT_OFFERED = ("ML_", "SJ_", "HS_", "EB_", "GLMM_")
BLOCKS = {
    "freq": "effect",
    "freq_logOR": "OR",
    "freq_logRR": "RR",
    "rma_uni_logOR": "OR",
    "rma_uni_logRR": "RR",
    "freq_2x2": None,
}
CLOSED = 1e-8
# metafor finds Paule-Mandel and the Q-profile with R's uniroot, whose default tolerance on tau2 is
# eps^(1/4) = 1.2e-4. Its EB solves the same equation to convergence, and pins Paule-Mandel to 1e-8 below.
UNIROOT = 1.3e-4


def read_json(name: str) -> dict:
    return json.loads((REFERENCE / f"{name}.json").read_text("utf-8"))


def read_rows(name: str) -> list[dict[str, str]]:
    with (REFERENCE / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def studies_of(name: str) -> tuple[Study, ...]:
    """Counts where the file has them, else effects with standard errors."""
    if not (REFERENCE / f"{name}.csv").exists():
        data = read_json(name)["data"]
        columns = ("study", "ai", "n1i", "ci", "n2i")
        rows = (
            data
            if isinstance(data, list)
            else [dict(zip(data, r, strict=True)) for r in zip(*data.values(), strict=True)]
        )
        return tuple(TwoArm(*(row[column] for column in columns)) for row in rows)
    rows = read_rows(name)
    if "ai" in rows[0]:
        return tuple(TwoArm(r["study"], int(r["ai"]), int(r["n1i"]), int(r["ci"]), int(r["n2i"])) for r in rows)
    return tuple(Effect(r["study"], float(r["yi"]), float(r["sei"])) for r in rows)


def is_offered(key: str) -> bool:
    return key.split("_")[0] in METHODS or key.startswith("MH_") or key == "Peto"


NAMES = sorted(path.stem for path in REFERENCE.glob("*.json"))
CASES = [
    (name, block, key)
    for name in NAMES
    for block in BLOCKS
    for key in read_json(name).get(block, {})
    if is_offered(key)
]
POOLED = {name: pool(studies_of(name)) for name in NAMES}


def find(estimates: tuple[Estimate, ...], block: str, key: str) -> Estimate:
    """Return the one estimate that a key of a reference file describes."""
    if key == "Peto":
        wanted = ("Peto", "OR", "none", "z")
    elif key.startswith("MH_"):
        _, measure, rule, *_ = key.split("_")
        # metafor keeps double-zero tables where 0.5 is added, which for ratios is 'only0' here.
        correction = {"nocorr": "none", "revman": "revman" if measure == "RD" else "only0"}[rule]
        wanted = ("Mantel-Haenszel", measure, correction, "z")
    else:
        method, interval = key.split("_")
        wanted = (METHODS[method], BLOCKS[block], None, INTERVALS[interval])
    found = [
        e
        for e in estimates
        if (e.method, e.measure, e.interval) == (wanted[0], wanted[1], wanted[3]) and wanted[2] in (None, e.correction)
    ]
    assert len(found) == 1
    return found[0]


def test_every_key_of_every_reference_file_is_offered_or_named_as_not_offered():
    blocks = {key for name in NAMES for key in read_json(name) if key.startswith(("freq", "rma_uni"))}
    assert blocks == set(BLOCKS)
    keys = [key for name in NAMES for block in BLOCKS for key in read_json(name).get(block, {})]
    assert [key for key in keys if not is_offered(key) and not key.startswith(NOT_OFFERED)] == []
    # 10 keys of effects in 3 files, the same for log OR and log RR in 8, and 7 keys of tables in those 8.
    effects = sum("freq" in read_json(name) for name in NAMES)
    counts = sum("freq_2x2" in read_json(name) for name in NAMES)
    assert (effects, counts) == (3, 8)
    assert len(CASES) == 10 * (effects + 2 * counts) + 7 * counts


@pytest.mark.parametrize(("name", "block", "key"), CASES)
def test_metafor(name, block, key):
    expected = read_json(name)[block][key]
    estimate = find(POOLED[name], block, key)
    # Where every effect is the same (toy_disability, log RR), rounding is all there is to compare.
    close = {"rtol": UNIROOT if key.startswith("PM") else CLOSED, "atol": 1e-12}
    assert estimate.k == expected["k"]
    assert_allclose(estimate.estimate, expected["estimate"], **close)
    assert_allclose(estimate.se, expected["se"], **close)
    assert_allclose(estimate.ci, (expected["ci_lb"], expected["ci_ub"]), **close)
    assert_allclose(estimate.p, expected["p"], rtol=1e-3 if key.startswith("PM") else CLOSED)
    assert_allclose(estimate.tau2, expected["tau2"], **close)
    assert_allclose(estimate.i2, expected["I2"], **close)
    assert_allclose(estimate.q, expected["Q"], rtol=CLOSED, atol=1e-12)
    assert_allclose(estimate.q_p, expected["Qp"], rtol=CLOSED)
    if "pi_lb" in expected:
        assert_allclose(estimate.prediction, (expected["pi_lb"], expected["pi_ub"]), **close)
    else:
        assert estimate.prediction is None


@pytest.mark.parametrize(("name", "block", "key"), [c for c in CASES if c[2].startswith("PM")])
def test_paule_mandel_is_empirical_bayes(name, block, key):
    expected = read_json(name)[block][key.replace("PM", "EB")]
    estimate = find(POOLED[name], block, key)
    values = (estimate.estimate, estimate.se, *estimate.ci, estimate.p, estimate.tau2, *estimate.prediction)
    keys = ("estimate", "se", "ci_lb", "ci_ub", "p", "tau2", "pi_lb", "pi_ub")
    assert_allclose(values, [expected[k] for k in keys], rtol=CLOSED, atol=1e-12)


@pytest.mark.parametrize(("name", "block", "key"), [c for c in CASES if "tau2_ci_qp" in read_json(c[0])[c[1]][c[2]]])
def test_q_profile_interval_of_tau2(name, block, key):
    expected = read_json(name)[block][key]
    low, high = expected["tau2_ci_qp"]
    estimate = find(POOLED[name], block, key)
    assert_allclose(estimate.tau2_ci[0], low, atol=UNIROOT)
    # metafor looks no further than max(100, 10 tau2): a limit printed there is a lower bound of the root.
    if math.isclose(high, max(100, 10 * expected["tau2"]), rel_tol=1e-9):
        assert estimate.tau2_ci[1] > high
    else:
        assert_allclose(estimate.tau2_ci[1], high, atol=UNIROOT)


def test_revman_equals_only0_unless_a_table_is_double_zero():
    for name in NAMES:
        studies = studies_of(name)
        if not isinstance(studies[0], TwoArm):
            continue
        by = {(e.measure, e.correction): e.estimate for e in POOLED[name] if e.method == "Mantel-Haenszel"}
        double = any(s.events_t + s.events_c in (0, s.n_t + s.n_c) for s in studies)
        assert (by["RR", "revman"] == by["RR", "only0"]) is not double
        assert (by["OR", "revman"] == by["OR", "only0"]) is not double


def test_hartung_knapp_standard_error_is_exactly_zero_where_all_effects_agree():
    found = [e for e in POOLED["toy_disability"] if (e.measure, e.interval) == ("RR", "Hartung-Knapp")]
    assert [e.se for e in found] == [0.0, 0.0, 0.0]
    assert all(e.ci == (e.estimate, e.estimate) and e.p == 0 and "no width" in e.note for e in found)


def test_mean_differences_from_means_and_standard_deviations():
    rows = read_rows("normand1999_md")
    columns = ("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i")
    studies = [Means(r["study"], *(int(r[c]) if c[0] == "n" else float(r[c]) for c in columns)) for r in rows]
    expected = read_json("normand1999_md")["freq"]
    common, *random = pool(studies)
    assert_allclose(
        (common.estimate, *common.ci), [expected["EE_z"][key] for key in ("estimate", "ci_lb", "ci_ub")], rtol=1e-8
    )
    dl = next(e for e in random if (e.method, e.interval) == ("DerSimonian-Laird", "Hartung-Knapp"))
    assert_allclose(dl.ci, (expected["DL_knha"]["ci_lb"], expected["DL_knha"]["ci_ub"]), rtol=1e-8)


def test_rates_from_counts():
    rows = read_rows("BaetenEtAl2013_logit")
    expected = read_json("BaetenEtAl2013_logit")["freq"]
    exact, common, *random = pool([SingleArm(r["study"], int(r["xi"]), int(r["ni"])) for r in rows])
    assert_allclose((common.estimate, common.se), (expected["EE_z"]["estimate"], expected["EE_z"]["se"]), rtol=1e-8)
    dl = next(e for e in random if e.method == "DerSimonian-Laird")
    assert_allclose(dl.prediction, (expected["DL_z"]["pi_lb"], expected["DL_z"]["pi_ub"]), rtol=1e-8)
    events, n = 127, 513  # the sums of the file
    assert exact.natural()[0] == pytest.approx(events / n, rel=1e-12)
    assert all(math.isnan(e.p) for e in (exact, common, *random))


def test_risk_differences_of_hine_1989():
    # Normand 1999, Stat Med 18:321, Tables III and VII, in percentage points.
    common = next(e for e in POOLED["hine1989"] if (e.method, e.measure) == ("inverse variance", "RD"))
    assert_allclose(100 * np.array([common.estimate, *common.ci]), [2.9444, 0.3831, 5.5058], atol=2e-4)


@pytest.mark.parametrize(
    ("name", "method", "measure", "expected"),
    [
        # PUBLISHED.md, rounded as printed there.
        ("bcg", "REML", "RR", (0.4894, 0.3441, 0.6962)),
        ("yusuf1985_table6", "Peto", "OR", (0.9332, 0.7385, 1.1792)),
    ],
)
def test_natural_scale_of_published_analyses(name, method, measure, expected):
    found = next(e for e in POOLED[name] if (e.method, e.measure, e.interval) == (method, measure, "z"))
    assert_allclose(found.natural(), expected, atol=5.1e-5)


def test_paired_table_of_metafor():
    # PUBLISHED.md: both 20, T only 10, C only 5, neither 20; escalc's MPRR, MPOR, MPRD, MPORC and MPPETO.
    estimates = pool([Paired("a", 20, 10, 5, 20)])
    values = {(e.method, e.measure): (round(e.estimate, 4), round(e.se**2, 4)) for e in estimates if e.interval == "z"}
    assert values == {
        ("inverse variance", "marginal RR"): (0.1823, 0.02),
        ("inverse variance", "marginal OR"): (0.3646, 0.0782),
        ("inverse variance", "marginal RD"): (0.0909, 0.0048),
        ("inverse variance", "conditional OR"): (0.6931, 0.3),
        ("Peto", "conditional OR"): (0.6667, 0.2667),
    }


@pytest.mark.parametrize("measure", ["marginal RR", "marginal OR", "marginal RD"])
def test_marginal_variances_against_a_numeric_delta_method(measure):
    cells = np.array([7.0, 11.0, 3.0, 9.0])
    n = cells.sum()

    def effect(p):
        t, c = p[0] + p[1], p[0] + p[2]
        if measure == "marginal RD":
            return t - c
        return math.log(t / c) if measure == "marginal RR" else math.log(t * (1 - c) / (c * (1 - t)))

    p, step = cells / n, 1e-6
    gradient = np.array([(effect(p + step * e) - effect(p - step * e)) / (2 * step) for e in np.eye(4)])
    variance = (gradient**2 @ p - (gradient @ p) ** 2) / n
    found = next(e for e in pool([Paired("a", *(int(c) for c in cells))]) if e.measure == measure)
    assert_allclose((found.estimate, found.se**2), (effect(p), variance), rtol=1e-7)


def test_paired_trials_are_weighted_by_inverse_variance():
    tables = [(20, 10, 5, 20), (3, 9, 2, 4)]
    alone = [pool([Paired(str(t), *t)]) for t in tables]
    together = pool([Paired(str(t), *t) for t in tables])
    for i, estimate in enumerate(together[:5]):
        weights = [1 / one[i].se ** 2 for one in alone]
        mean = sum(w * one[i].estimate for w, one in zip(weights, alone, strict=True)) / sum(weights)
        assert_allclose((estimate.estimate, estimate.se), (mean, sum(weights) ** -0.5), rtol=1e-12)
