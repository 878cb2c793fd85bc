"""What counts as moved: exact numbers beyond rounding, sampled ones beyond Monte-Carlo error."""

import pytest

from bayes_ivig.accepted.difference import compare_folders

SUMMARY = "quantity,mean,sd,mcse_mean,mcse_sd,r_hat\nmu,{mean},{sd},0.01,0.02,1.0\ntau,0.4,0.3,0.01,0.01,1.0\n"


def moved(name, before, after):
    return compare_folders({"f": {name: before}}, {"f": {name: after}})


@pytest.mark.parametrize(
    ("before", "after", "where"),
    [
        ('{"mu": {"ci": [1.0, 2.0]}}', '{"mu": {"ci": [1.0, 2.0000001]}}', ["mu.ci[1]"]),
        ('{"mu": {"ci": [1.0, 2.0]}}', '{"mu": {"ci": [1.0, 2.000000001]}}', []),
        ('{"y": 20000.0}', '{"y": 20000.0001}', []),
        ('{"y": 20000.0}', '{"y": 20000.001}', ["y"]),
        ('{"tipping": [{"value": 20.0}]}', '{"tipping": [{"value": 20.0001}]}', []),
        ('{"bias": [{"natural": 2.0}]}', '{"bias": [{"natural": 2.0001}]}', ["bias[0].natural"]),
        ('{"passed": true}', '{"passed": false}', ["passed"]),
        ('{"passed": true}', '{"passed": 1.0}', []),
        ('{"mean": null}', '{"mean": 1.0}', ["mean"]),
        ('{"notes": ["a"]}', '{"notes": []}', ["notes (length)", "notes[0]"]),
    ],
)
def test_json(before, after, where):
    assert [m.where for m in moved("fit.json", before, after)] == where


CROSSOVER = """{{"model": "{model}", "p_benefit": {p}, "effects": {{"in_trials": {{
  "RR": {{"median": {rr}, "ci": [1.0, 9.0], "prob": 0.95}},
  "NNT": {{"median": 2.0, "best": 1.5, "worst": {worst}, "p_below": {{"3": {below}}}}}}}}}}}"""


@pytest.mark.parametrize(
    ("model", "change", "where"),
    [
        ("crossover", {"rr": 4.5}, []),  # the width is 8
        ("crossover", {"rr": 6.0}, ["effects.in_trials.RR.median"]),
        ("crossover", {"below": 0.83}, []),
        ("crossover", {"below": 0.9}, ["effects.in_trials.NNT.p_below.3"]),
        ("crossover", {"worst": 3.2}, ["effects.in_trials.NNT.worst"]),
        ("crossover", {"p": 0.951}, ["p_benefit"]),
        ("crossover", {"worst": "null"}, ["effects.in_trials.NNT.worst"]),
        ("binomial", {"rr": 4.00001}, ["effects.in_trials.RR.median"]),
    ],
)
def test_what_a_crossover_fit_counts_in_its_draws_moves_by_its_error(model, change, where):
    before = {"model": model, "p": 0.95, "rr": 4.0, "below": 0.8, "worst": 2.5}
    texts = [CROSSOVER.format(**values) for values in (before, before | change)]
    assert [m.where for m in moved("fit.json", *texts)] == where


def test_csv():
    assert [m.where for m in moved("x.csv", "study,y\nA,1\nB,2\n", "study,y\nA,1\nB,2.1\n")] == ["line 3, y"]
    assert moved("x.csv", "study,y\nA,1\n", "study,y\nA,1.000000001\n") == ()


@pytest.mark.parametrize(
    ("mean", "sd", "where"),
    [
        (1.02, 0.9, []),  # 0.02 / hypot(0.01, 0.01) = 1.4 standard errors
        (1.07, 0.9, ["mu mean"]),  # 4.9; the limit of 4 numbers at 1 in 10,000 is 4.2
        (1.0, 1.0, []),  # 3.5
        (1.0, 1.04, ["mu sd"]),  # 4.9
        (1.0, "", ["mu sd"]),
    ],
)
def test_sampled_numbers_move_by_their_error(mean, sd, where):
    after = SUMMARY.format(mean=mean, sd=sd)
    assert [m.where for m in moved("summary.csv", SUMMARY.format(mean=1.0, sd=0.9), after)] == where


@pytest.mark.parametrize(
    ("before", "after", "where"),
    [
        (("0.800", "0.009"), ("0.801", "0.009"), []),
        (("0.800", "0.009"), ("0.900", "0.007"), ["assurance mean"]),
        (("0.0", "0.0"), ("0.0005", "0.0005"), []),  # one simulated trial of 2,000 more
        (("0.0", "0.0"), ("1.0", "0.0"), ["assurance mean"]),  # no error to excuse it
    ],
)
def test_simulated_numbers_move_by_their_error(before, after, where):
    texts = ["quantity,mean,mcse_mean\nassurance," + ",".join(row) + "\n" for row in (before, after)]
    assert [m.where for m in moved("summary.csv", *texts)] == where


def test_other_columns_of_a_summary_are_free():
    before = SUMMARY.format(mean=1.0, sd=0.9)
    assert moved("summary.csv", before, before.replace("1.0\ntau", "1.001\ntau")) == ()


def test_texts():
    assert moved("review.md", "# A\n\nOR 5.00\n", "# A\n\nOR 5.00\n") == ()
    found = moved("review.md", "# A\n\nOR 5.00\n", "# A\n\nOR 5.01\n\nMore\n")
    assert [m.where for m in found] == ["line 3", "line 4", "line 5"]


def test_figures():
    before = '<g id="m0123456789"/><path d="M 10.001 20"/><text>Léger</text>'
    assert moved("f.svg", before, before.replace("10.001", "10.002").replace("m0123456789", "mabcdef0123")) == ()
    assert [m.stored for m in moved("f.svg", before, before.replace("10.001", "10.1"))] == [10.001]
    assert [m.where for m in moved("f.svg", before, before.replace("Léger", "Other"))] == ["the drawing"]


def test_files_and_folders_that_come_and_go():
    found = compare_folders({"a": {"x.json": "{}"}, "b": {"y.json": "{}"}}, {"a": {"z.json": "{}"}})
    assert [(m.folder, m.file, m.stored, m.fresh) for m in found] == [
        ("a", "x.json", "stored", "(missing)"),
        ("a", "z.json", "(missing)", "made"),
        ("b", "y.json", "stored", "(missing)"),
    ]
