"""The commands as a user types them, in process; the sampler runs for real only in slow tests."""

import json
import sys

import arviz_base
import pytest
import xarray as xr

from bayes_ivig import cli


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run the program in an empty folder; return (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)  # main sets its own

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["bayes-ivig", *arguments])
        code = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = stop.code or 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


QUICK = ("--model", "normal", "--effect", "common", "--no-figures")


@pytest.mark.parametrize(
    "arguments", [("--help",), *[(c, "--help") for c in ("fit", "sensitivity", "pool", "data", "models", "priors")]]
)
def test_help_is_complete(run, arguments):
    code, out, _ = run(*arguments)
    assert code == 0
    assert "Usage: bayes-ivig" in out
    if arguments[0] == "fit":
        for option in [
            "--review",
            "--model",
            "--effect",
            "--measure",
            "--mu",
            "--tau",
            "--baseline",
            "--parametrisation",
        ]:
            assert option in out
        for option in [
            "--association",
            "--control-risk",
            "--engine",
            "--benefit",
            "--prob",
            "--seed",
            "--draws",
            "--out",
            "--json",
        ]:
            assert option in out


def test_version(run):
    code, out, _ = run("--version")
    assert (code, out) == (0, f"bayes-ivig {cli.__version__}\n")


def test_lists_name_everything(run):
    _, data, _ = run("data", "list")
    for outcome in [
        "strength",
        "disability",
        "conduction-block",
        "adverse-events",
        "serious-adverse-events",
        "grip-strength",
    ]:
        assert data.count(f"    {outcome} ") == 2, outcome
    for outcome in ["neurological-disability", "disability-worsening", "grip-decline", "accelerated-switch"]:
        assert f"    {outcome} " in data
    _, models, _ = run("models", "list")
    assert len(models.splitlines()) == 26
    _, priors, _ = run("priors", "list")
    assert len(priors.splitlines()) >= 184
    _, few, _ = run("priors", "list", "neuromuscular")
    assert 0 < len(few.splitlines()) < 20


def test_data_show_prints_trials_sources_and_faults(run):
    code, out, _ = run("data", "show", "disability")
    assert code == 0
    for words in ("Léger 2001", "leger-naive-first-period", "Keddie S", "Known faults", "modified Norris"):
        assert words in out, words


def test_models_show_prints_the_file(run):
    code, out, _ = run("models", "show", "binomial-or-midpoint-random")
    assert code == 0
    assert 'baseline = "beta(1, 1)"' in out


def test_priors_show_converts_tau_squared_once(run):
    """Turner 2015, marginal: log tau^2 ~ N(-2.56, 1.74^2), so tau has median exp(-1.28) = 0.278."""
    code, out, _ = run("priors", "show", "turner2015_marginal")
    assert code == 0
    assert "log-normal(-1.28, 0.87)" in out
    assert "0.278" in out
    assert "0.0505 to 1.53" in out
    assert "10.1002/sim.6381" in out


def test_pool_reproduces_the_published_number(run):
    code, out, _ = run("pool", "strength", "--json")
    answer = json.loads(out)
    assert code == 0
    published = {entry["id"]: entry for entry in answer["published"]}
    assert published["current-care-strength"]["reproduced"] is True
    assert published["current-care-strength"]["computed"] == "11.00 (2.86 to 42.25)"
    assert any(row["reproduces_published"] for row in answer["comparators"])


def test_pool_all_reproduces_every_result_that_can_be(run):
    code, out, _ = run("pool", "all", "--json")
    assert code == 0
    results = [entry for pool in json.loads(out)["pools"] for entry in pool["published"]]
    assert len(results) == 48
    assert [e["id"] for e in results if e["expected"] == "reproduced" and not e["reproduced"]] == []
    assert sorted(e["estimate"] for e in results if e["expected"] == "irreproducible") == ["1.13", "3.78"]
    assert all(e["reason"] for e in results if e["expected"] != "reproduced")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("fit", "strenght"), "did you mean 'strength'"),
        (("fit", "strength", "--review", "mmn-2023"), "did you mean 'mmn-202"),
        (("fit", "strength", "--engine", "quadratur"), "--engine"),
        (("fit", "strength", "--mu", "normal(0, -1)"), "--mu"),
        (("fit", "strength", "--tau", "normal(0, 1)"), "tau"),
        (("fit", "strength", "--tau", "half-nromal(1)"), "half-normal"),
        (("fit", "strength", "--tau", "inverse-gamma(0.001, 0.001)"), "94% of its mass on values above 1e+25"),
        (("fit", "strength", "--prob", "95"), "--prob"),
        (("fit", "strength", "--control-risk", "2"), "strictly between 0 and 1"),
        (("fit", "strength", "--control-risk", "normal(0, 1)"), "not a density on 0 to 1"),
        (("fit", "strength", "--model", "nothing.toml"), "nothing.toml"),
        (("fit", "strength", "--measure", "ROR"), "choose OR or RR"),
        (("fit", "strength", "--benefit", "higher"), "your own file"),
        (("fit", "missing.csv"), "missing.csv"),
        (("fit", "strength", "--draws", "3"), "draws"),
        (("pool", "strength", "--prob", "0"), "--prob"),
        (("models", "show", "binomial-or"), "did you mean"),
        (("priors", "show", "turner2015_1_99"), "did you mean"),
        (("data", "show", "nothing"), "known are"),
    ],
)
def test_bad_usage_is_one_sentence_and_exit_code_2(run, tmp_path, arguments, words):
    code, out, err = run(*arguments)
    assert code == 2
    assert words in err
    assert err.startswith("bayes-ivig: ")
    assert err.count("\n") == 1
    assert out == ""
    assert list(tmp_path.iterdir()) == []


def test_a_trial_name_is_never_markup(run, tmp_path):
    (tmp_path / "t.csv").write_text("study,events_t,n_t,events_c,n_c\n[a] [/],3,9,1,9\n[red]:smile:,2,8,2,8\n")
    code, out, _ = run("data", "show", "t.csv")
    assert code == 0
    assert "[a] [/]" in out
    assert "[red]:smile:" in out


@pytest.mark.slow
def test_fit_writes_every_file_and_prints_only_json(run, tmp_path):
    code, out, err = run("fit", "strength", "--json", "--seed", "11", "--out", "r")
    assert (code, err) == (0, "")
    answer = json.loads(out)
    leaf = tmp_path / "r" / "mmn-2007" / "strength" / "binomial-or-random"
    names = {path.name for path in leaf.iterdir()}
    figures = {
        f"{name}.{kind}"
        for name in ("forest", "prior-posterior", "trace", "predictive-check")
        for kind in ("svg", "png")
    }
    figures |= {"forest.pdf", "prior-posterior.pdf"}
    files = {"fit.json", "summary.csv", "posterior.nc", "comparators.csv", "studies.csv", "run.json"}
    assert names == files | figures
    assert json.loads((leaf / "fit.json").read_text("utf-8")) == answer
    with xr.open_datatree(leaf / "posterior.nc") as file:
        tree = file.load()
    groups = {
        "posterior",
        "prior",
        "prior_predictive",
        "posterior_predictive",
        "log_likelihood",
        "sample_stats",
        "observed_data",
    }
    assert set(tree.children) == groups
    assert json.loads(tree.attrs["provenance"])["seed"] == 11
    assert tree.attrs["draws"] == "sampled by NUTS"
    assert float(tree.posterior["mu"].mean()) == pytest.approx(answer["engines"]["nuts"]["mu"]["mean"], abs=1e-12)
    assert answer["engines"]["quadrature"]["mu"] == answer["mu"]
    assert answer["engines"]["agreement"]["passed"] is True
    assert arviz_base.extract(tree, var_names="mu").size == 8000
    assert "eti95_lb" in (leaf / "summary.csv").read_text().splitlines()[0]
    bulk = next(check for check in answer["checks"] if check["name"].startswith("bulk ESS"))
    assert bulk["value"] > 2000
    code, again, _ = run("fit", "strength", "--json", "--seed", "11", "--out", "r", "--no-figures")
    assert json.loads(again) == answer


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "leaf"),
    [
        (["--model", "crossover"], "crossover-or-random"),
        (["--model", "crossover", "--association", "fixed(1)", "--effect", "common"], "crossover-or-common"),
        (["--model", "conditional-common"], "conditional-or-common"),
    ],
)
def test_paired_and_conditional_models_fit(run, tmp_path, options, leaf):
    code, out, err = run("fit", "strength", *options, "--json", "--out", "r")
    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert answer["mu"]["median"] > 2
    assert (answer["effects"]["in_trials"] is None) == leaf.startswith("conditional")
    assert (tmp_path / "r" / "mmn-2007" / "strength" / leaf / "predictive-check.png").stat().st_size > 10_000


@pytest.mark.slow
def test_fit_prints_a_table_a_clinician_can_read(run):
    code, out, _ = run("fit", "strength", "--control-risk", "0.1", "--no-figures")
    assert code == 0
    out = " ".join(out.split())
    for words in (
        "Strength improved: IVIg against placebo",
        "3 trials, 27 patients",
        "Probability of benefit, average trial",
        "per 100 patients with IVIg",
        "RR 11.00 (2.86 to 42.25)",
        "reproduced by Mantel-Haenszel RR, 0.5 in tables with a zero",
        "beta(1, 1) on the midpoint of the two logits",
    ):
        assert words in out, words


@pytest.mark.slow
def test_fit_of_a_users_file(run, tmp_path):
    rows = "study,ai,n1i,ci,n2i,yi,sei\n=cmd,3,9,1,9,1.4,1.2\nSecond,2,8,2,8,0,1.1\n"
    (tmp_path / "My Trials.csv").write_text(rows)
    code, out, _ = run("fit", "My Trials.csv", "--json", "--benefit", "lower", "--no-figures")
    answer = json.loads(out)
    assert code == 0
    assert (answer["review"], answer["outcome"], answer["kind"], answer["model"]) == (
        "user",
        "my-trials",
        "two-arm",
        "binomial",
    )
    assert any("are used" in note for note in answer["notes"])
    assert answer["p_benefit"] == pytest.approx(1 - answer["mu"]["p_gt_0"])
    studies = (tmp_path / "results/user/my-trials/binomial-or-random/studies.csv").read_text()
    assert "'=cmd" in studies
    code, out, _ = run("fit", "My Trials.csv", "--json", *QUICK, "--measure", "OR")
    answer = json.loads(out)
    assert (answer["kind"], answer["p_benefit"], answer["tau"]) == ("effect", None, None)


@pytest.mark.slow
def test_a_run_that_does_not_converge_is_written_labelled_and_exits_3(run, tmp_path):
    """A sampler with hardly any warm-up and a pathological prior cannot pass; nothing may look as if it had."""
    (tmp_path / "bad.toml").write_text(
        'likelihood = "binomial"\nmeasure = "OR"\neffect = "random"\nparametrisation = "control"\n'
        '[priors]\nmu = "cauchy(0, 50)"\ntau = "half-cauchy(50)"\nbaseline = "cauchy(0, 50)"\n'
        "[sampler]\ndraws = 100\ntune = 100\ntarget_accept = 0.6\n"
    )
    code, out, err = run("fit", "strength", "--model", "bad.toml")
    assert code == 3
    assert "CHECK FAILED" in out
    assert "written and labelled as failed" in err
    leaf = tmp_path / "results/mmn-2007/strength/binomial-or-random"
    answer = json.loads((leaf / "fit.json").read_text("utf-8"))
    assert answer["failed"] is True
    assert "CHECK FAILED" in (leaf / "summary.csv").read_text()
    assert "CHECK FAILED" in (leaf / "studies.csv").read_text()
    assert "CHECK FAILED" in (leaf / "forest.svg").read_text()
    with xr.open_datatree(leaf / "posterior.nc") as file:
        assert file.attrs["checks"].startswith("CHECK FAILED")
