import itertools
from pathlib import Path

import pytest

from bayes_ivig.choices import Choices, choose_model
from bayes_ivig.errors import InputError
from bayes_ivig.evidence import Evidence
from bayes_ivig.priors import parse_prior
from bayes_ivig.spec import Model, Sampler, default_model, list_models, load_model, with_priors
from bayes_ivig.studies import Effect, TwoArm

BINOMIAL = {
    f"binomial-{measure.lower()}-{place}-{effect}": ("binomial", measure, effect, place)
    for measure, place, effect in itertools.product(("OR", "RR"), ("midpoint", "control"), ("random", "common"))
}
NORMAL = {
    f"normal-{measure.lower()}-{effect}": ("normal", measure, effect, None)
    for measure, effect in itertools.product(("OR", "RR", "SMD", "MD", "effect"), ("random", "common"))
}
SINGLE_ARM = {f"single-arm-{effect}": ("single-arm", "rate", effect, None) for effect in ("random", "common")}
CONDITIONAL = {f"conditional-{effect}": ("conditional", "OR", effect, None) for effect in ("random", "common")}
CROSSOVER = {
    f"crossover-{place}-{effect}": ("crossover", "OR", effect, place)
    for place, effect in itertools.product(("midpoint", "control"), ("random", "common"))
}
MODELS = BINOMIAL | CONDITIONAL | CROSSOVER | NORMAL | SINGLE_ARM
# DESIGN section 3: no other scale has a natural prior.
MU = {"OR": "normal(0, 2.82)", "RR": "normal(0, 2)", "SMD": "normal(0, 1)", "rate": "beta(1, 1)"}
TAU = {"OR": "half-normal(0.5)", "RR": "half-normal(0.35)", "SMD": "half-normal(0.5)", "rate": "half-normal(1)"}
FILE = """
likelihood = "binomial"
measure = "OR"
effect = "random"
parametrisation = "midpoint"
[priors]
mu = "normal(0, 2.82)"
tau = "half-normal(0.5)"
baseline = "beta(1, 1)"
[sampler]
draws = 500
"""


def test_shipped_models_are_all_there():
    assert set(list_models()) == set(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_a_shipped_model_is_what_its_name_says(name):
    model = load_model(name)
    likelihood, measure, effect, place = MODELS[name]
    assert (model.name, model.likelihood, model.measure) == (name, likelihood, measure)
    assert (model.effect, model.parametrisation) == (effect, place)
    assert model == default_model(likelihood, measure, effect, place)
    assert model.about.endswith(".")
    assert ("one common" in model.about) == (effect == "common")


@pytest.mark.parametrize("name", MODELS)
def test_default_priors_stand_in_the_files(name):
    model = load_model(name)
    expected = {"mu": MU.get(model.measure), "tau": TAU.get(model.measure)}
    expected |= {"baseline": "beta(1, 1)", "association": "normal(0, 1.5)"}
    needed = {key: expected[key] for key in model.needed if expected[key]}
    assert {key: prior.text for key, prior in model.priors.items()} == needed
    nuisance = {"binomial": {"baseline"}, "crossover": {"baseline", "association"}}
    assert set(model.needed) == {"mu"} | ({"tau"} if model.effect == "random" else set()) | nuisance.get(
        model.likelihood, set()
    )


@pytest.mark.parametrize("name", MODELS)
def test_default_settings_of_the_sampler(name):
    assert vars(load_model(name).sampler) == {
        "draws": 2000,
        "tune": 1000,
        "chains": 4,
        "target_accept": 0.95,
        "seed": 20070315,
    }


def test_the_defaults_of_the_sampler_are_those_of_the_files():
    assert Sampler() == load_model("binomial-or-midpoint-random").sampler


def test_result_folders_are_named_by_likelihood_measure_and_effect():
    assert default_model("binomial", "RR", "common").slug == "binomial-rr-common"


def test_the_midpoint_is_the_default_parametrisation():
    assert default_model("binomial", "OR", "random") == load_model("binomial-or-midpoint-random")


@pytest.mark.parametrize("measure", ["MD", "effect"])
def test_a_scale_without_natural_prior_asks_for_it(measure):
    model = default_model("normal", measure, "random")
    with pytest.raises(InputError, match="give --mu and --tau "):
        model.require_complete()
    with pytest.raises(InputError, match="give --tau ") as refusal:
        with_priors(model, {"mu": parse_prior("normal(0, 10)")}).require_complete()
    assert "--mu" not in str(refusal.value)
    complete = with_priors(model, {"mu": parse_prior("normal(0, 10)"), "tau": parse_prior("half-normal(5)")})
    assert complete.require_complete() is complete
    with pytest.raises(InputError, match="give --mu on"):
        default_model("normal", measure, "common").require_complete()


@pytest.fixture
def load(tmp_path):
    def load_text(text):
        path = tmp_path / "model.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_model(str(path))

    return load_text


def test_a_model_file(load):
    model = load(FILE)
    assert (model.likelihood, model.measure, model.effect, model.parametrisation) == MODELS[
        "binomial-or-midpoint-random"
    ]
    assert (model.sampler.draws, model.sampler.tune) == (500, 1000)
    assert model.require_complete() is model
    assert load(b"\xef\xbb\xbf" + FILE.replace("\n", "\r\n").encode()) == model


def test_a_file_may_leave_out_what_a_flag_must_then_give(load):
    model = load(FILE.replace('baseline = "beta(1, 1)"\n', ""))
    with pytest.raises(InputError, match=r'give --baseline on .* --baseline "beta\(1, 1\)"'):
        model.require_complete()


def test_a_file_may_name_a_prior(load):
    tau = load(FILE.replace("half-normal(0.5)", "turner2015_3_7")).priors["tau"]
    assert (tau.family, tau.support[0]) == ("log-normal", 0)
    with pytest.raises(
        InputError, match=r"priors\.tau: no prior is named 'turner2015_3_70'; did you mean 'turner2015_3_"
    ):
        load(FILE.replace("half-normal(0.5)", "turner2015_3_70"))


BAD = [
    ('measure = "OR"', 'measrue = "OR"', "measrue: unknown key", "did you mean 'measure'?"),
    ("[sampler]", "[smapler]", "smapler: unknown key", "did you mean 'sampler'?"),
    ("mu =", "mean =", "priors.mean: unknown key", "allowed are mu, tau, baseline, association"),
    ("baseline =", "basline =", "priors.basline: unknown key", "did you mean 'baseline'?"),
    ("draws =", "drwas =", "sampler.drwas: unknown key", "did you mean 'draws'?"),
    ('likelihood = "binomial"\n', "", "likelihood: missing", "names its likelihood"),
    ('measure = "OR"\n', "", "measure: missing", "names its likelihood"),
    ('effect = "random"\n', "", "effect: missing", "names its likelihood"),
    ('parametrisation = "midpoint"\n', "", "parametrisation: missing", "choose midpoint or control"),
    ('"binomial"', '"binomail"', "likelihood: 'binomail' is not allowed", "did you mean 'binomial'?"),
    ('"binomial"', "3", "likelihood: 3 is not a text", "quotation marks"),
    ('"OR"', '["OR"]', "measure: ['OR'] is not a text", "quotation marks"),
    ('"OR"', '"MD"', "measure: 'MD' is not allowed", "choose OR or RR"),
    ('"random"', '"fixed"', "effect: 'fixed' is not allowed", "choose random or common"),
    ('"midpoint"', '"centre"', "parametrisation: 'centre' is not allowed", "choose midpoint or control"),
    ('"midpoint"', "true", "parametrisation: True is not a text", "quotation marks"),
    ('likelihood = "binomial"', 'about = 3\nlikelihood = "binomial"', "about: 3 is not a text", "quotation marks"),
    ('mu = "normal(0, 2.82)"', "mu = 3", "priors.mu: 3 is not a text", "normal(0, 10)"),
    ('mu = "normal(0, 2.82)"', "mu = { m = 0, s = 1 }", "priors.mu: {'m': 0, 's': 1} is not a text", "normal(0, 10)"),
    ('"normal(0, 2.82)"', '"normal(0, -1)"', "priors.mu: ", "it must be above 0"),
    ('"normal(0, 2.82)"', '"nromal(0, 1)"', "priors.mu: ", "normal"),
    ('"half-normal(0.5)"', '"normal(0, 1)"', "tau: 'normal(0, 1)' allows values below 0", "half-normal(0.5)"),
    ('"half-normal(0.5)"', '"uniform(-1, 1)"', "tau: 'uniform(-1, 1)' allows values below 0", "half-normal(0.5)"),
    ('"beta(1, 1)"', '"half-normal(1)"', "baseline: 'half-normal(1)' is not allowed", "beta(1, 1)"),
    ('"beta(1, 1)"', '"fixed(0.1)"', "baseline: 'fixed(0.1)' is not allowed", "beta(1, 1)"),
    ('baseline = "', 'association = "normal(0, 1)"\nbaseline = "', "priors.association: ", "no such parameter"),
    ('effect = "random"', 'effect = "common"', "priors.tau: the common-effect binomial model", "no such parameter"),
    ('"binomial"', '"normal"', "parametrisation: the normal model has no baseline risk", "leave it out"),
    ('"binomial"\nmeasure = "OR"', '"single-arm"\nmeasure = "RR"', "measure: 'RR' is not allowed", "choose rate"),
    ('"binomial"\nmeasure = "OR"', '"conditional"\nmeasure = "RR"', "measure: 'RR' is not allowed", "choose OR"),
    ("draws = 500", 'draws = "x"', "sampler.draws: 'x' is not allowed", "from 100 to 1000000"),
    ("draws = 500", "draws = true", "sampler.draws: True is not allowed", "whole number"),
    ("draws = 500", "draws = 1.5", "sampler.draws: 1.5 is not allowed", "whole number"),
    ("draws = 500", "draws = 99", "sampler.draws: 99 is not allowed", "from 100"),
    ("draws = 500", "tune = -1", "sampler.tune: -1 is not allowed", "from 100"),
    ("draws = 500", "chains = 1", "sampler.chains: 1 is not allowed", "from 2 to 64"),
    ("draws = 500", "seed = true", "sampler.seed: True is not allowed", "whole number"),
    ("draws = 500", "seed = -1", "sampler.seed: -1 is not allowed", "from 0 to 4294967295"),
    ("draws = 500", "seed = 4294967296", "sampler.seed: 4294967296 is not allowed", "from 0 to 4294967295"),
    ("draws = 500", "target_accept = 1.0", "sampler.target_accept: 1.0 is not allowed", "below 1"),
    ("draws = 500", "target_accept = nan", "sampler.target_accept: nan is not allowed", "below 1"),
    ("draws = 500", 'target_accept = "high"', "sampler.target_accept: 'high' is not allowed", "below 1"),
    ("[sampler]\ndraws = 500", "sampler = 3", "priors.sampler: unknown key", "allowed are mu"),
    ("[priors]", "[[priors]]", "priors: [{", "is not a table"),
    ("likelihood =", "sampler = 3\nlikelihood =", "", "correct it"),
    ("likelihood =", "likelihood ", "not a TOML file", "line 2"),
    ("draws = 500", "draws = " + "9" * 5000, "not a TOML file", "correct it"),
    ("draws = 500", "draws = 0x" + "f" * 5000, "not a TOML file", "correct it"),
    ("draws = 500", "draws = " + "[" * 100_000, "not a TOML file", "correct it"),
    ('"binomial"', '"' + "b" * 5000 + '"', "likelihood: 'bbbbb", "choose binomial"),
]


@pytest.mark.parametrize(("old", "new", "where", "words"), BAD, ids=[f"{new[:40]}" for _, new, _, _ in BAD])
def test_bad_model_files_are_refused_in_one_sentence(load, old, new, where, words):
    assert old in FILE
    with pytest.raises(InputError) as refusal:
        load(FILE.replace(old, new, 1))
    message = str(refusal.value)
    assert f"model.toml: {where}" in message
    assert words in message
    assert "\n" not in message
    assert len(message) < 400


def test_unreadable_model_files(load, tmp_path):
    with pytest.raises(InputError, match="not readable as text; save the model file as UTF-8"):
        load(b'about = "L\xe9ger"')
    (tmp_path / "folder.toml").mkdir()
    for name, words in (
        (str(tmp_path / "folder.toml"), "Is a directory"),
        (str(tmp_path / "none.toml"), "No such file or directory"),
        ("a\0.toml", "not readable"),
        (str(tmp_path), "is unknown"),
        ("normal-or", "is unknown.*did you mean 'normal"),
        ("binomail", "did you mean 'binomial'"),
        ("../models/normal-or-random", "is unknown"),
    ):
        with pytest.raises(InputError, match=words):
            load_model(name)


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (("binomial", "MD", "random"), "measure: 'MD' is not allowed; choose OR or RR"),
        (("binomial", "OR", "mixed"), "effect: 'mixed' is not allowed"),
        (("binomial", "OR", "random", "middle"), "parametrisation: 'middle' is not allowed"),
        (("normal", "MD", "random", "midpoint"), "the normal model has no baseline risk"),
        (("poisson", "OR", "random"), "likelihood: 'poisson' is not allowed"),
    ],
)
def test_defaults_of_models_that_do_not_exist(choice, words):
    with pytest.raises(InputError, match=words):
        default_model(*choice)


def test_a_replaced_prior_is_checked():
    model = default_model("binomial", "OR", "random")
    with pytest.raises(InputError, match="allows values below 0"):
        with_priors(model, {"tau": parse_prior("normal(0, 1)")})
    assert with_priors(model, {"mu": parse_prior("cauchy(0, 1)")}).priors["mu"].text == "cauchy(0, 1)"
    assert model.priors["mu"].text == MU["OR"]


@pytest.mark.parametrize(
    ("prior", "allowed"), [("beta(1, 1)", True), ("normal(0, 10)", True), ("half-normal(1)", False)]
)
def test_the_mean_of_rates_lives_on_the_risk_or_its_logit(prior, allowed):
    def make():
        return Model("x", "single-arm", "rate", "common", None, {"mu": parse_prior(prior)})

    if allowed:
        assert make().require_complete().priors["mu"].text == prior
    else:
        with pytest.raises(InputError, match="mu: 'half-normal"):
            make()


# What the command line makes of a file and of flags (fit.choose_model).
COUNTS = Evidence("user", "x", (TwoArm("a", 1, 5, 0, 5), TwoArm("b", 1, 5, 0, 5)))
EFFECTS = Evidence("user", "x", (Effect("a", 1, 1), Effect("b", 1, 1)))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(FILE.replace("normal(0, 2.82)", "normal(0, 1)").replace("beta(1, 1)", "normal(0, 10)"))
    return str(path)


def test_flags_override_a_file(file):
    model = choose_model(COUNTS, Choices(model=file))
    assert (model, model.name) == (load_model(file), file)
    flags = {"mu": parse_prior("cauchy(0, 1)")}
    changed = choose_model(COUNTS, Choices(file, "common", None, "control", flags, seed=7, draws=300))
    assert (changed.effect, changed.parametrisation) == ("common", "control")
    assert {key: prior.text for key, prior in changed.priors.items()} == {
        "mu": "cauchy(0, 1)",  # the flag's
        "baseline": "normal(0, 10)",  # the file's
    }
    assert (changed.sampler.seed, changed.sampler.draws, changed.sampler.tune) == (7, 300, 1000)


def test_another_measure_does_not_keep_the_priors_of_the_first(file):
    model = choose_model(COUNTS, Choices(model=file, measure="RR"))
    assert {key: prior.text for key, prior in model.priors.items()} == {
        "mu": MU["RR"],
        "tau": TAU["RR"],
        "baseline": "normal(0, 10)",
    }


def test_an_unnamed_effect_needs_its_priors_from_flags():
    with pytest.raises(InputError, match="give --mu and --tau"):
        choose_model(EFFECTS, Choices())
    flags = {"mu": parse_prior("normal(0, 10)"), "tau": parse_prior("half-normal(5)")}
    assert choose_model(EFFECTS, Choices(priors=flags)).measure == "effect"
    assert choose_model(EFFECTS, Choices(measure="SMD")).priors["mu"].text == MU["SMD"]


def test_models_are_read_where_the_package_is_not_where_it_is_called(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert not Path("models").exists()
    assert load_model("normal-or-random").measure == "OR"
