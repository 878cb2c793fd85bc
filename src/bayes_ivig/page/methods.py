"""The methods as a paper would print them, written from the run's own settings: nothing here is said of another run."""

import math
from collections.abc import Mapping

import numpy as np

from bayes_ivig.effects import is_ratio, to_natural
from bayes_ivig.named_priors import named_priors
from bayes_ivig.page.blocks import Block, Paragraph, Section, table
from bayes_ivig.page.outcome import Outcome
from bayes_ivig.priors import Prior
from bayes_ivig.wording import interval, number, percent

_LIKELIHOOD = {
    "binomial": "Events in each arm were binomial, without a continuity correction: r_C ~ Bin(n_C, p_C) and "
    "r_T ~ Bin(n_T, p_T); trials without an event stayed in.",
    "conditional": "The events of each trial were conditioned on their total: a non-central hypergeometric likelihood "
    "of the log odds ratio. Trials without an event in either arm carry no information under it.",
    "crossover": "The four cells of each crossover trial (event on both treatments, on T only, on C only, on neither) "
    "were multinomial; the margins gave the marginal log odds ratio, and a log odds ratio per trial the association "
    "within patients.",
    "normal": "Each trial gave an effect with a standard error: y_i ~ N(theta_i, se_i).",
    "single-arm": "The events of each trial were binomial: r_i ~ Bin(n_i, p_i) with logit p_i = theta_i.",
}
_DEFAULT_SOURCES = {
    (
        "mu",
        "OR",
        "normal(0, 2.82)",
    ): "an odds ratio within 1/250 to 250 with 95% probability; Günhan BK, Röver C, Friede T. "
    "Random-effects meta-analysis of few studies involving rare events. Res Synth Methods 2020;11:74-90",
    ("mu", "RR", "normal(0, 2)"): "weakly informative: a risk ratio within 1/50 to 50 with 95% probability",
    (
        "mu",
        "SMD",
        "normal(0, 1)",
    ): "weakly informative: a standardised difference within 2 either way with 95% probability",
    ("baseline", "", "beta(1, 1)"): "uniform on the risk",
    ("association", "", "normal(0, 1.5)"): "weakly informative: an odds ratio within 1/19 to 19 with 95% probability",
    ("association", "", "normal(1.5, 1)"): "patients who improve on one treatment tend to improve on the other",
}
_HALF_NORMAL = (
    "weakly informative; half-normal priors of the between-trial SD are recommended for few trials by Röver C et al., "
    "Res Synth Methods 2021;12:448-474"
)


def methods_section(outcomes: tuple[Outcome, ...]) -> Section:
    """Write one paragraph a distinct analysis and the table of its priors."""
    parts = []
    for i, (sentence, group) in enumerate(_groups(outcomes).items(), 1):
        titles = ", ".join(o.title for o in group)
        blocks: list[Block] = [Paragraph(sentence), _priors_table(group[0])]
        parts.append(Section(f"methods-{i}", titles, tuple(blocks)))
    return Section("methods", "Methods", (), tuple(parts))


def _groups(outcomes: tuple[Outcome, ...]) -> Mapping[str, list[Outcome]]:
    """Outcomes analysed alike are described once."""
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(methods_text(outcome), []).append(outcome)
    return groups


def methods_text(outcome: Outcome) -> str:
    """Describe one analysis in full sentences."""
    fit, model = outcome.fit, outcome.model
    sentences = [_LIKELIHOOD[model.likelihood]]
    if model.measure in ("OR", "RR") and model.has_baseline:
        place = (
            "the midpoint of the two logits, (logit p_C + logit p_T) / 2"
            if model.parametrisation == "midpoint"
            else "the control risk, logit p_C"
        )
        sentences.append(f"The effect theta_i was the log {model.measure}; the baseline of each trial was {place}.")
    if model.effect == "random":
        sentences.append("Effects varied between trials: theta_i ~ N(mu, tau), tau a standard deviation.")
    else:
        sentences.append("All trials shared one effect: theta_i = mu.")
    priors = ", ".join(f"{name} ~ {text}" for name, text in fit["priors"].items())
    sentences.append(f"Priors: {priors}. None was computed from the data.")
    sentences.append(
        f"Reported are posterior medians with equal-tailed {percent(outcome.prob)} intervals, and probabilities."
    )
    nuts, quadrature = fit["engines"].get("nuts"), fit["engines"].get("quadrature")
    if quadrature:
        sentences.append("The posterior was computed by deterministic quadrature, refined until it no longer moved.")
    if nuts:
        s = nuts["settings"]
        sentences.append(
            f"{'It was also' if quadrature else 'The posterior was'} sampled by the No-U-Turn sampler (PyMC, nutpie): "
            f"{s['chains']} chains of {s['draws']:,} draws after {s['tune']:,} of tuning, target acceptance "
            f"{s['target_accept']}, seed {s['seed']}."
        )
    if not nuts:
        sentences.append("It was not checked by sampling.")
    versions = fit["provenance"]["packages"]
    packages = ", ".join(f"{name} {version}" for name, version in versions.items())
    sentences.append(f"Software: bayes-ivig {fit['provenance']['version']}; {packages}.")
    return " ".join(sentences)


def _priors_table(outcome: Outcome) -> Block:
    rows = []
    for name, prior in ((key, outcome.model.priors[key]) for key in outcome.model.needed):
        rows.append([name, prior.text, implied_range(name, prior, outcome), prior_source(outcome, name)])
    header = ("Parameter", "Density", "What it implies (95% range)", "Source")
    return table("Priors", header, rows)


def implied_range(name: str, prior: Prior, outcome: Outcome) -> str:
    """Say what a prior implies on a scale people know: ratios for effects, risks for baselines."""
    low, median, high = (float(x) for x in prior.ppf([0.025, 0.5, 0.975]))
    measure = outcome.measure
    if name == "mu":
        if measure == "rate":
            if prior.support[0] >= 0:
                return f"rate {interval(low, high)}"
            return f"rate {interval(*(float(to_natural('rate', x)) for x in (low, high)))}"
        natural = [float(to_natural(measure, x)) for x in (low, high)]
        unit = f" {outcome.evidence.unit}" if outcome.evidence.unit else ""
        return f"{measure} {interval(*natural)}{'' if is_ratio(measure) else unit}"
    if name == "tau":
        text = f"tau {interval(low, high)}, median {number(median)}"
        if is_ratio(measure):
            spread = math.exp(min(2 * 1.959964 * median, 700.0))
            text += f"; at the median the {measure}s of 95% of trials span a factor of {number(spread)}"
        return text
    if name == "baseline":
        risks = (low, high) if prior.support[0] >= 0 else tuple(float(to_natural("rate", x)) for x in (low, high))
        where = "risk at the midpoint" if outcome.model.parametrisation == "midpoint" else "control risk"
        return f"{where} {interval(*risks)}"
    odds = np.exp(np.clip([low, high], -700, 700))
    return f"odds ratio within patients {interval(float(odds[0]), float(odds[1]))}"


def prior_source(outcome: Outcome, name: str) -> str:
    """Return where a prior comes from: a cited table, the review's rationale, or this project's default; else ""."""
    text = outcome.model.priors[name].text
    measure = outcome.measure if name == "mu" else ""
    known = _DEFAULT_SOURCES.get((name, measure, text))
    if known:
        return known
    rationale = outcome.evidence.priors.get("rationale", "")
    if outcome.evidence.priors.get(name) == text:
        return rationale or "given with the data of the review, on the scale of the outcome"
    for prior in named_priors():
        if prior.target == name and prior.prior.text == text and _same_scale(prior.scale, outcome.measure):
            return f"{prior.name}: {prior.citation}"
    if name == "mu" and outcome.measure == "rate" and text == "beta(1, 1)":
        return "uniform on the rate"
    if name == "tau" and outcome.model.priors[name].family == "half-normal":
        return _HALF_NORMAL
    return ""


def _same_scale(scale: str, measure: str) -> bool:
    return measure in scale or scale == measure
