"""The report before any browser sees it: sections, checklist, formats, and what hostile text does to them."""

import io
import json
import math
import re
import shlex
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

sys.path.insert(0, str(Path(__file__).parents[1]))
from bayes_ivig import __version__
from bayes_ivig.cli.report import render, write_whole
from bayes_ivig.errors import InputError
from bayes_ivig.page import cache
from bayes_ivig.page.cache import remember
from bayes_ivig.page.checklist import ITEMS
from bayes_ivig.page.collect import same_analysis, stored_outcome
from bayes_ivig.page.command import fit_command
from bayes_ivig.page.document import to_docx, to_markdown
from bayes_ivig.page.html import json_for_script, people_paths, plain, to_html
from bayes_ivig.page.machine import to_object
from bayes_ivig.page.methods import implied_range, methods_text, prior_source
from bayes_ivig.page.report import Report
from bayes_ivig.page.sensitivity import with_sensitivity
from bayes_ivig.page.surface_json import DEGREE, Extent, nodes, normal_surface, surface_table
from bayes_ivig.page.svg import inline
from bayes_ivig.priors import parse_prior
from bayes_ivig.quadrature import fit_posterior, make_surface, shape_of
from bayes_ivig.reviews import load_evidence, load_review
from bayes_ivig.sensitivity.models import with_likelihood
from bayes_ivig.store import json_text
from bayes_ivig.studies import Effect
from page_fixtures import SVG, shipped_outcome, shipped_report, with_fit, write_hostile

ORDER = ("answer", "findings", "live", "mmn-2007-strength", "record", "methods", "checklist", "provenance")
PARTS = ("evidence", "forest", "prior-posterior", "heterogeneity", "sensitivity", "frequentist", "checks")


@pytest.fixture(scope="module")
def report() -> Report:
    return shipped_report("strength")


def verdict(report: Report, item: str) -> str:
    return next(i for i in ITEMS if i.id == item).decide(report).status


def changed(report: Report, **changes: object) -> Report:
    return replace(report, outcomes=(replace(report.outcomes[0], **changes),))


def refit(report: Report, **changes: object) -> Report:
    return replace(report, outcomes=(with_fit(report.outcomes[0], **changes),))


# ---------------------------------------------------------------- sections


def test_sections_stand_in_the_order_of_a_reader(report):
    sections = report.sections()
    assert tuple(section.id for section in sections) == ORDER
    outcome = next(s for s in sections if s.id == "mmn-2007-strength")
    assert tuple(part.id.removeprefix("mmn-2007-strength-") for part in outcome.parts) == PARTS


def test_the_answer_is_in_people_and_says_how_sure(report):
    html = to_html(report)
    assert "about 68 have this outcome with IVIg" in html
    assert "68 of 100 patients with IVIg" in html
    assert "the probability that IVIg helps, on average over such trials is 0.950" in html


@pytest.mark.parametrize(("count", "affected"), [(-3, 0), (0.4, 0), (8.0, 8), (99.7, 100), (150, 100)])
def test_hundred_people_are_a_hundred(count, affected):
    paths = people_paths(count)
    assert paths["affected"].count("M") == affected
    assert paths["others"].count("M") == 100 - affected


def test_a_failed_check_is_said_first(report):
    check = {"name": "R-hat, largest", "value": 1.2, "limit": 1.01, "passed": False, "hint": "longer"}
    bad = refit(report, checks=[check])
    for text in (to_html(bad), to_markdown(bad)):
        assert text.index("CHECK FAILED") < text.index("the probability that")
    assert bad.failed == ("Strength improved",)


def test_what_was_not_sampled_is_marked():
    report = shipped_report("strength", sampled=False)
    assert "not checked by sampling" in to_html(report)
    assert "not checked by sampling" not in to_html(shipped_report("strength"))


def test_the_methods_are_those_of_the_run(report):
    outcome = report.outcomes[0]
    text = methods_text(outcome)
    for word in ("Bin(n_C, p_C)", "normal(0, 2.82)", "half-normal(0.5)", "seed 20070315", "midpoint", "95%"):
        assert word in text
    common = with_fit(
        replace(
            outcome,
            model=replace(
                outcome.model,
                effect="common",
                priors={"mu": parse_prior("normal(0, 1)"), "baseline": parse_prior("beta(1, 1)")},
            ),
        ),
        priors={"mu": "normal(0, 1)"},
    )
    assert "All trials shared one effect" in methods_text(common)
    assert "tau ~" not in methods_text(common)


def test_every_prior_says_what_it_implies_and_where_it_is_from(report):
    outcome = report.outcomes[0]
    edge = math.exp(1.959963985 * 2.82)
    assert implied_range("mu", outcome.model.priors["mu"], outcome) == f"OR {1 / edge:.5f} to {edge:.0f}"
    for name in outcome.model.needed:
        assert prior_source(outcome, name)
    odd = replace(
        outcome, model=replace(outcome.model, priors={**outcome.model.priors, "mu": parse_prior("normal(0.3, 1.7)")})
    )
    assert prior_source(odd, "mu") == ""


def test_the_command_makes_the_same_run(report):
    words = shlex.split(fit_command(report.outcomes[0]))
    pairs = dict(zip(words[3::2], words[4::2], strict=True))
    assert words[:3] == ["bayes-ivig", "fit", "strength"]
    assert pairs["--mu"] == "normal(0, 2.82)"
    assert (pairs["--parametrisation"], pairs["--seed"]) == ("midpoint", "20070315")


# ---------------------------------------------------------------- checklist: its cause removed, each item turns


def test_items_have_ids_of_their_own_and_point_to_places_of_the_page(report):
    ids = [item.id for item in ITEMS]
    assert len(ids) == len(set(ids))
    html = to_html(report)
    for item in ITEMS:
        anchor = item.decide(report).anchor
        assert not anchor or f'id="{anchor}"' in html, (item.id, anchor)


def without_rows(report, column):
    outcome = report.outcomes[0]
    rows = tuple({**row, column: ""} for row in outcome.evidence.rows)
    return changed(report, evidence=replace(outcome.evidence, rows=rows))


def no_nuts(report):
    return {**report.outcomes[0].fit["engines"], "nuts": None}


CAUSES = {
    "ROBUST 1": (lambda r: refit(r, priors={"mu": "normal(0, 2.82)"}), "not met"),
    "ROBUST 2": (
        lambda r: changed(
            r,
            model=replace(
                r.outcomes[0].model, priors={**r.outcomes[0].model.priors, "mu": parse_prior("normal(7, 3)")}
            ),
        ),
        "not met",
    ),
    "ROBUST 3": (lambda r: changed(r, sensitivity={}), "not met"),
    "ROBUST 4": (lambda r: refit(r, model=""), "not met"),
    "ROBUST 5": (lambda r: refit(r, engines={"nuts": None, "quadrature": None, "agreement": None}), "not met"),
    "ROBUST 6": (lambda r: refit(r, mu={**r.outcomes[0].fit["mu"], "median": None}), "not met"),
    "ROBUST 7": (lambda r: refit(r, mu={**r.outcomes[0].fit["mu"], "ci": [None, None]}), "not met"),
    "BARG preamble": (lambda r: replace(r, review=None), "not met"),
    "BARG 1A": (lambda r: changed(r, evidence=replace(r.outcomes[0].evidence, definition="")), "not met"),
    "BARG 1E": (lambda r: changed(r, svg={}), "not met"),
    "BARG 2A": (lambda r: refit(r, provenance={**r.outcomes[0].fit["provenance"], "packages": {}}), "not met"),
    "BARG 2B": (
        lambda r: refit(r, checks=[{"name": "R-hat, largest", "value": 2, "limit": 1, "passed": False, "hint": ""}]),
        "not met",
    ),
    "BARG 2C": (
        lambda r: refit(r, checks=[c for c in r.outcomes[0].fit["checks"] if "ESS" not in c["name"]]),
        "not met",
    ),
    "BARG 3A": (lambda r: changed(r, svg={"prior-posterior": SVG}), "not met"),
    "BARG 6A-B": (lambda r: replace(r, commands=()), "not met"),
    "BARG 6F": (lambda r: refit(r, provenance={**r.outcomes[0].fit["provenance"], "seed": None}), "not met"),
    "BayesWatch 2": (
        lambda r: changed(
            r,
            evidence=replace(
                r.outcomes[0].evidence,
                rows=(*r.outcomes[0].evidence.rows[:-1], {**r.outcomes[0].evidence.rows[-1], "design": ""}),
            ),
        ),
        "not met",
    ),
    "BayesWatch 8": (lambda r: without_rows(r, "source"), "not met"),
    "BayesWatch 11": (lambda r: replace(r, review=replace(r.review, faults=())), "not met"),
    "Cochrane 23.2 a": (lambda r: without_rows(r, "design"), "not applicable"),
    "Cochrane 23.2 c": (lambda r: replace(r, review=replace(r.review, faults=("a fault of another kind",))), "not met"),
    "Cochrane 23.2 d": (lambda r: refit(r, n_participants=None), "not met"),
    "Here 1": (lambda r: refit(r, engines={**r.outcomes[0].fit["engines"], "agreement": None}), "not met"),
    "Here 2": (lambda r: refit(r, provenance={**r.outcomes[0].fit["provenance"], "data_sha256": ""}), "not met"),
}


@pytest.mark.parametrize("item", CAUSES)
def test_an_item_turns_when_its_cause_is_removed(report, item):
    remove, after = CAUSES[item]
    assert verdict(report, item) == "met"
    assert verdict(remove(report), item) == after


def test_items_that_need_a_cause_are_met_with_it(report):
    outcome = report.outcomes[0]
    surface = {"likelihood": "crossover"}
    assert verdict(report, "Cochrane 23.2 b") == "not met"
    assert verdict(changed(report, surfaces=(surface,)), "Cochrane 23.2 b") == "met"
    assert verdict(report, "Here 3") == "not met"
    assert verdict(changed(report, surfaces=(surface,)), "Here 3") == "met"
    tables = {**outcome.sensitivity, "parallel_against_crossover": [{"x": 1}]}
    assert verdict(report, "Cochrane 16.4.7") == "not met"
    assert verdict(changed(report, sensitivity=tables), "Cochrane 16.4.7") == "met"
    unsampled = shipped_report("strength", sampled=False)
    assert verdict(unsampled, "BARG 2B") == verdict(unsampled, "BARG 2C") == "not applicable"
    computed = refit(unsampled, engines={"nuts": None, "quadrature": {"mu": {}}, "agreement": None})
    assert verdict(report, "BARG 2D") == "not applicable"
    assert verdict(computed, "BARG 2D") == "met"
    assert verdict(refit(computed, checks=[]), "BARG 2D") == "not met"


def test_what_the_program_cannot_decide_is_not_claimed(report):
    assert {i.id for i in ITEMS if i.decide(report).status == "not applicable"} == {
        "BARG 2D",
        "BARG 3C",
        "BARG 4",
        "BayesWatch 6",
    }


# ---------------------------------------------------------------- stored runs


def test_a_stored_run_is_used_only_where_it_is_the_same_analysis(report, tmp_path):
    outcome = report.outcomes[0]
    evidence, model = outcome.evidence, outcome.model
    assert same_analysis(outcome.fit, evidence, model, 0.95, None)
    assert not same_analysis(outcome.fit, evidence, model, 0.9, None)
    assert not same_analysis(outcome.fit, replace(evidence, sha256="0"), model, 0.95, None)
    assert not same_analysis(outcome.fit, evidence, model, 0.95, parse_prior("fixed(0.1)"))
    other = replace(model, priors={**model.priors, "tau": parse_prior("half-normal(1)")})
    assert not same_analysis(outcome.fit, evidence, other, 0.95, None)
    old = {**outcome.fit, "provenance": {**outcome.fit["provenance"], "version": "0.0.0"}}
    assert not same_analysis(old, evidence, model, 0.95, None)
    assert not same_analysis({}, evidence, model, 0.95, None)

    assert stored_outcome(tmp_path, evidence, model, (), 0.95, None) is None
    folder = tmp_path / "mmn-2007" / "strength" / model.slug
    folder.mkdir(parents=True)
    (folder / "fit.json").write_text(json_text(outcome.fit), "utf-8")
    assert stored_outcome(tmp_path, evidence, model, (), 0.95, None) is None  # no figures
    for name in ("forest", "prior-posterior"):
        (folder / f"{name}.svg").write_text(SVG, "utf-8")
    found = stored_outcome(tmp_path, evidence, model, (), 0.95, None)
    assert found is not None
    assert found.stored == str(folder)
    (folder / "fit.json").write_text("{", "utf-8")
    assert stored_outcome(tmp_path, evidence, model, (), 0.95, None) is None


# ---------------------------------------------------------------- hostile text


def test_json_in_a_script_element_cannot_end_it():
    value = {"x": "</script><!--<script>&", "inf": math.inf}
    text = json_for_script(value)
    assert not set("<>&") & set(text)
    assert json.loads(text) == {"x": value["x"], "inf": None}


def test_steering_characters_are_left_out():
    assert plain("a\u202eb\u2066c\x00d\x1be\ud800") == "abcde"
    assert plain("שלום, 臨床 Léger\n") == "שלום, 臨床 Léger\n"


def test_hostile_names_are_text_in_every_format(tmp_path):
    from bayes_ivig.evidence import load_csv

    evidence = load_csv(write_hostile(tmp_path), None, "higher")
    outcome = shipped_outcome("strength")
    model = outcome.model
    studies = [{"study": s.study, **outcome.fit["mu"]} for s in evidence.studies]
    bad = replace(outcome, evidence=evidence, fit={**outcome.fit, "studies": studies}, published=(), model=model)
    report = Report(None, (bad,), (fit_command(bad, "a b'; rm *.csv"),))
    html = to_html(report)
    assert html.count("<script") == 2
    assert "<img" not in html
    assert "\u202e" not in html
    assert "&lt;img src=x onerror=" in html
    markdown = to_markdown(report)
    assert "<script" not in re.sub(r"\\<", "", markdown)
    assert "<img" not in re.sub(r"\\<", "", markdown)
    with zipfile.ZipFile(io.BytesIO(to_docx(report))) as word:
        assert "&lt;/script&gt;" in word.read("word/document.xml").decode("utf-8")
    assert "'\"'\"'" in report.commands[0]


def test_figures_keep_only_what_is_drawing():
    svg = inline(SVG, "fig")
    assert "script" not in svg
    assert "metadata" not in svg
    assert "style" not in svg
    assert "onclick" not in svg
    assert 'id="fig-m1"' in svg
    assert 'href="#fig-m1"' in svg
    assert 'clip-path="url(#fig-m1)"' in svg
    assert 'd="M0 0l1.2 3"' in svg
    assert 'font-weight="bold"' in svg
    assert "95% interval" in svg


@pytest.mark.parametrize(
    ("path", "short"),
    [
        ("M 1.0 2.0 L 1.5 1.96 L 1.5 0.04 L 21 3 z M 5 5 L 4 5", "M1 2l.5 0 0-2 19.5 3zM5 5l-1 0"),
        ("M 0 0 C 1 1 2 2 3 3.04", "M 0 0 C 1 1 2 2 3 3"),
        ("", ""),
    ],
)
def test_paths_of_lines_are_written_by_their_steps(path, short):
    svg = f'<svg xmlns="http://www.w3.org/2000/svg"><path d="{path}"/></svg>'
    assert f'd="{short}"' in inline(svg, "x")


def test_the_page_names_no_host_and_loads_nothing(report):
    html = to_html(report)
    urls = set(re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]+", html))
    assert urls <= {"http://www.w3.org"}
    assert not re.search(r"<(?:link|iframe|object|embed|img)\b", html)
    assert not re.search(r"\sstyle=|\son[a-z]+=", re.sub(r"<script.*?</script>", "", html, flags=re.S))
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)[1]
    assert policy.startswith("default-src &#39;none&#39;") or policy.startswith("default-src 'none'")


# ---------------------------------------------------------------- formats


def test_markdown_has_its_tables_and_no_scripts(report):
    text = to_markdown(report)
    assert text.startswith("# Intravenous immunoglobulin")
    assert "| Trial | Posterior odds ratio (95% interval) |" in text
    assert "window." not in text
    assert "\\)" not in text


def test_word_has_headings_tables_and_pictures(report):
    import docx

    png = bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
        "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
    )
    document = docx.Document(io.BytesIO(to_docx(changed(report, png={"forest": png}))))
    assert document.paragraphs[0].text == report.title
    assert len(document.tables) > 6
    assert len(document.inline_shapes) == 1


def test_the_machine_readable_whole_has_everything(report):
    value = json.loads(render(report, "json"))
    assert value == json.loads(json_text(to_object(report)))
    (outcome,) = value["outcomes"]
    assert outcome["fit"]["mu"] == report.outcomes[0].fit["mu"]
    assert [p["parameter"] for p in outcome["priors"]] == ["mu", "tau", "baseline"]
    assert {i["status"] for i in value["checklist"]} <= {"met", "not met", "not applicable"}


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    target = tmp_path / "page.html"
    write_whole(target, b"one")
    write_whole(target, b"two")
    assert target.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [target]
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write_whole(tmp_path / "file" / "page.html", b"x")


# ---------------------------------------------------------------- surfaces, and what is kept of them


def test_a_surface_is_made_once_for_the_same_key_and_the_same_program(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = []

    def make():
        made.append(1)
        return {"n": len(made)}

    assert remember({"a": 1}, make) == remember({"a": 1}, make) == {"n": 1}
    assert remember({"a": 2}, make) == {"n": 2}
    monkeypatch.setattr(cache, "_code", lambda: "another program")
    assert remember({"a": 1}, make) == {"n": 3}
    for path in (tmp_path / "bayes-ivig").iterdir():
        path.write_text("{", "utf-8")
    assert remember({"a": 1}, make) == {"n": 4}
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert remember({"a": 1}, make) == {"n": 5}


def test_what_must_be_made_afresh_is_neither_read_nor_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert remember({"a": 1}, lambda: {"n": 1}) == {"n": 1}
    with cache.forgetful():
        assert remember({"a": 1}, lambda: {"n": 2}) == {"n": 2}
    assert remember({"a": 1}, lambda: {"n": 3}) == {"n": 1}


def test_a_table_holds_the_surface_between_its_nodes():
    y, se = np.array([-0.9, 0.2, 1.4, -0.3]), np.array([0.5, 0.06, 0.8, 0.3])
    function = normal_surface(y, se)
    extent = Extent.of([Effect(str(i), *pair) for i, pair in enumerate(zip(y, se, strict=True))], "OR")
    table = surface_table(function, extent)
    assert len(table["log"]) <= 30_000
    assert table["error"] < 1e-4
    edges = np.array(table["mu"]["edges"])
    assert len(nodes(edges)) == DEGREE * (len(edges) - 1) + 1
    assert_allclose(nodes(edges)[::DEGREE], edges)
    assert table["tau"]["edges"][0] == 0.0
    slow = [
        sum(
            -0.5 * (((a - 0.1) ** 2) / (b * b + 0.25) + math.log(2 * math.pi * (b * b + 0.25)))
            for a, b in zip(y, se, strict=True)
        )
    ]
    assert_allclose(function(np.array([0.1]), np.array([0.5]))[0], slow, rtol=1e-14)


# ---------------------------------------------------------------- sensitivity


@pytest.mark.slow
def test_sensitivity_is_stored_or_lean_and_says_both_designs(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    review, outcome = load_review("mmn-2007"), shipped_outcome("disability", exact=False)
    lean = with_sensitivity(outcome, tmp_path, review)
    again = with_sensitivity(outcome, tmp_path, review)
    assert again.sensitivity == lean.sensitivity
    rows = lean.sensitivity["parallel_against_crossover"]
    paired = load_evidence(review, "disability", "crossover")
    model = with_likelihood(outcome.model, "crossover")
    for row, text in zip(rows, (None, "normal(0, 1.5)", "normal(1.5, 1)"), strict=True):
        if text is None:
            surface = make_surface(outcome.evidence.studies, outcome.model)
        else:
            priors = {**model.priors, "association": parse_prior(text)}
            surface = make_surface(paired.studies, replace(model, priors=priors))
        mu = fit_posterior(surface, *(shape_of(outcome.model.priors[key]) for key in ("mu", "tau"))).mu
        assert_allclose(row["median"], math.exp(mu.quantile(0.5)), rtol=1e-6)
        assert_allclose(row["p"], mu.p_gt(0.0), rtol=1e-6)
    report = Report(review, (lean,), ())
    assert verdict(report, "Cochrane 16.4.7") == "met"
    html = to_html(report)
    assert "Parallel arms against crossover" in html
    assert "bayes-ivig sensitivity disability" in html
    assert "bayes-ivig report disability --review mmn-2007 --model crossover" in html
    assert "log_evidence" not in html.split("<script")[0]

    folder = tmp_path / "mmn-2007" / "disability" / "sensitivity"
    folder.mkdir(parents=True)
    made = {
        **lean.sensitivity,
        "schema": 1,
        "model": "binomial",
        "measure": "OR",
        "effect": outcome.model.effect,
        "parametrisation": outcome.model.parametrisation,
        "priors": {key: outcome.model.priors[key].text for key in outcome.model.needed},
        "provenance": {"version": __version__, "data_sha256": outcome.evidence.sha256},
        "sentences": ["As stored."],
    }
    (folder / "sensitivity.json").write_text(json.dumps(made), "utf-8")
    (folder / "prior-grid.svg").write_text(SVG, "utf-8")
    stored = with_sensitivity(outcome, tmp_path, review)
    assert stored.sensitivity["sentences"] == ["As stored."]
    assert "prior-grid" in stored.svg
    (folder / "sensitivity.json").write_text(json.dumps({**made, "prob": 0.9}), "utf-8")
    assert with_sensitivity(outcome, tmp_path, review).sensitivity == lean.sensitivity


def test_a_figure_keeps_its_pixels_and_nothing_from_outside():
    image = '<image xlink:href="{}" x="1" y="2" width="3" height="4"/>'
    svg = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">{}</svg>'
    kept = inline(svg.format(image.format("data:image/png;base64,\niVBORw0K")), "f")
    assert 'href="data:image/png;base64,iVBORw0K"' in kept
    for url in ("https://example.org/x.png", "data:image/svg+xml;base64,AAAA", "javascript:run()"):
        assert "href" not in inline(svg.format(image.format(url)), "f")
