// Puts the live panel to work: settings in, numbers and figures out; checks itself against Python's answers first.

const Page = (() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  const surfaces = new Map();
  const DIGITS = 2e-4; // of a posterior SD, or of a probability's smaller side: better than 4 significant digits

  function surfaceOf(outcome, index) {
    const key = `${outcome.id} ${index}`;
    if (!surfaces.has(key)) surfaces.set(key, Surface.decode(outcome.surfaces[index].table));
    return surfaces.get(key);
  }

  function answer(outcome, settings, all = true) {
    const rate = outcome.measure === "rate";
    const mu = Priors.parse(settings.mu), tau = settings.tau === null ? null : Priors.parse(settings.tau);
    const posterior = Posterior.integrate(surfaceOf(outcome, settings.surface), mu, tau, { rate });
    const summaries = {
      mu: Posterior.summary(posterior.mu, settings.prob),
      tau: tau === null ? null : Posterior.summary(posterior.tau, settings.prob),
      log_evidence: posterior.logEvidence,
    };
    if (all) summaries.theta_new = tau === null ? summaries.mu : Posterior.summary(posterior.theta_new, settings.prob);
    return { posterior, summaries, priorLog: Priors.onScale(mu, rate).log };
  }

  // Recompute what Python has computed; returns what differs, in words.
  function selfCheck() {
    const wrong = [];
    for (const outcome of data.outcomes) {
      outcome.surfaces.forEach((surface, index) => {
        for (const known of surface.answers || []) {
          let found;
          try {
            const all = known.expected.theta_new !== undefined;
            found = answer(outcome, { ...known, surface: index }, all).summaries;
          } catch (error) {
            wrong.push(`${outcome.title}: ${error.message}`);
            continue;
          }
          for (const name of ["mu", "tau", "theta_new"]) {
            const expected = known.expected[name];
            if (!expected || (name !== "mu" && known.tau === null)) continue;
            if (differs(expected, found[name])) wrong.push(`${outcome.title}, ${surface.label}: ${name} under ${known.mu}, ${known.tau}`);
          }
          const evidence = known.expected.log_evidence;
          if (typeof evidence === "number" && !(Math.abs(evidence - found.log_evidence) < 1e-3)) wrong.push(`${outcome.title}, ${surface.label}: log evidence`);
        }
      });
    }
    return wrong;
  }

  function differs(expected, found) {
    const width = expected.ci[1] - expected.ci[0] || 1;
    const far = (a, b) => a !== null && a !== undefined && !(Math.abs(a - b) <= DIGITS * width);
    const side = Math.min(expected.p_gt_0, 1 - expected.p_gt_0);
    return (
      far(expected.median, found.median) || far(expected.ci[0], found.ci[0]) || far(expected.ci[1], found.ci[1]) ||
      !(Math.abs(expected.p_gt_0 - found.p_gt_0) <= DIGITS * side + 1e-7)
    );
  }

  let state, controls, settled;

  function update() {
    const outcome = data.outcomes[state.outcome], started = performance.now();
    let result;
    try {
      result = answer(outcome, state);
    } catch (error) {
      $("live-error").textContent = `These settings give no answer: ${error.message}.`;
      $("live-error").hidden = false;
      return;
    }
    $("live-error").hidden = true;
    const { posterior, summaries, priorLog } = result;
    const threshold = Absolute.fromNatural(outcome.measure, state.threshold);
    writeTable(outcome, posterior, summaries, threshold);
    Draw.density($("live-density"), outcome, posterior, priorLog, summaries.mu, threshold);
    $("live-density").setAttribute("aria-label", `Posterior density of the average effect: ${say(outcome, summaries.mu)}; prior ${state.mu}`);
    drawForest(outcome, posterior, summaries);
    drawPeople(outcome, summaries);
    $("live-command").textContent = State.command(data, state);
    tellPriors(outcome);
    document.documentElement.dataset.updateMs = (performance.now() - started).toFixed(1);
    clearTimeout(settled);
    settled = setTimeout(() => {
      try {
        history.replaceState(null, "", `#${State.toFragment(data, state)}`);
      } catch {
        // Some browsers refuse to rewrite the address of a file; the link can still be copied.
      }
    }, 250);
  }

  function say(outcome, summary) {
    return Words.withInterval(...[summary.median, ...summary.ci].map((x) => Absolute.toNatural(outcome.measure, x)));
  }

  // Whether what is asked about, a benefit or a harm, means a higher effect.
  const upwards = ({ benefit, role }) => (benefit !== "lower") === (role !== "harm");

  function headline(outcome, quantity, cut) {
    if (outcome.benefit === null || outcome.measure === "rate") return null;
    const above = quantity.above(cut);
    return upwards(outcome) ? above : 1 - above;
  }

  function writeTable(outcome, posterior, summaries, threshold) {
    const { mu, tau, theta_new: next } = summaries, run = outcome.run, rows = [];
    const level = Words.percent(state.prob), name = outcome.name[0].toUpperCase() + outcome.name.slice(1);
    const what = outcome.role === "harm" ? "harm" : "benefit";
    rows.push([`${name}, average trial (${level} interval)`, say(outcome, mu), say(outcome, run.mu), "mu"]);
    if (tau) rows.push([`${name}, next trial`, say(outcome, next), say(outcome, run.theta_new), "theta_new"]);
    if (tau) rows.push(["Heterogeneity tau", Words.withInterval(tau.median, ...tau.ci), run.tau ? Words.withInterval(run.tau.median, ...run.tau.ci) : "-", "tau"]);
    const p = headline(outcome, posterior.mu, 0);
    const of = (s) => (upwards(outcome) ? s.p_gt_0 : 1 - s.p_gt_0);
    if (p !== null) {
      rows.push([`P(${what}), average trial`, Words.probability(p), Words.probability(of(run.mu)), "p"]);
      if (tau) rows.push([`P(${what}), next trial`, Words.probability(headline(outcome, posterior.theta_new, 0)), Words.probability(of(run.theta_new)), "p_new"]);
    }
    if (Number.isFinite(threshold)) {
      const above = posterior.mu.above(threshold), sign = upwards(outcome) ? "above" : "below";
      rows.push([`P(${outcome.measure === "rate" ? "rate" : outcome.measure} ${sign} ${Words.number(state.threshold)})`, Words.probability(sign === "below" ? 1 - above : above), "-", "p_threshold"]);
    }
    if (state.risk !== null) {
      const here = Absolute.per100(outcome.measure, state.risk, mu), there = Absolute.per100(outcome.measure, state.risk, run.mu);
      rows.push([`Per 100 with ${outcome.treatment}, where ${Words.number(100 * state.risk)} with ${outcome.control}`, Words.withInterval(...here.treated), Words.withInterval(...there.treated), "per_100"]);
      rows.push(["Difference per 100", Words.withInterval(...here.difference), Words.withInterval(...there.difference), "difference"]);
    }
    rows.push(["Mean and SD of mu (analysis scale)", `${Words.number(mu.mean)}, ${mu.sd === null ? "no SD" : Words.number(mu.sd)}`, `${Words.number(run.mu.mean)}, ${Words.number(run.mu.sd)}`, "moments"]);
    rows.push(["Log evidence", summaries.log_evidence.toFixed(3), run.log_evidence === null ? "-" : run.log_evidence.toFixed(3), "log_evidence"]);
    const body = $("live-table").tBodies[0];
    body.replaceChildren(...rows.map(([head, here, there, key]) => {
      const row = document.createElement("tr");
      row.dataset.key = key;
      const cells = [document.createElement("th"), document.createElement("td"), document.createElement("td")];
      cells[0].scope = "row";
      [head, here, there].forEach((text, i) => (cells[i].textContent = text));
      cells[1].className = cells[2].className = "number";
      row.append(...cells);
      return row;
    }));
    const verdict = p === null ? "" : ` The probability of ${what} is ${Words.probability(p)}.`;
    $("live-says").textContent = `${outcome.title}: ${outcome.name} ${say(outcome, mu)}.${verdict}`;
    window.bayesIvig.shown = { ...summaries, p_threshold: Number.isFinite(threshold) ? posterior.mu.above(threshold) : null };
  }

  function drawForest(outcome, posterior, summaries) {
    const { mu, tau, theta_new: next } = summaries, triple = (s) => [s.median, ...s.ci];
    const surface = outcome.surfaces[state.surface];
    const shrunk = tau && surface.studies ? Studies.shrink(posterior, surface.studies, state.prob) : [];
    const rows = outcome.trials.map(({ study, raw }, i) => ({
      name: study,
      raw: raw && raw.map((x, j) => (x === null ? [NaN, -Infinity, Infinity][j] : x)),
      shrunk: shrunk[i] ? triple(shrunk[i]) : null,
    }));
    window.bayesIvig.studies = shrunk;
    Draw.forest($("live-forest"), outcome, rows, triple(mu), tau ? triple(next) : null);
    $("live-forest").setAttribute("aria-label", `Forest plot: average trial ${say(outcome, mu)}${tau ? `; next trial ${say(outcome, next)}` : ""}`);
  }

  function drawPeople(outcome, summaries) {
    const box = $("live-people");
    box.replaceChildren();
    if (state.risk !== null) {
      const treated = 100 * Absolute.treatedRisk(outcome.measure, state.risk, summaries.mu.median);
      Draw.people(box, `with ${outcome.treatment}`, treated, outcome.title);
      Draw.people(box, `with ${outcome.control}`, 100 * state.risk, outcome.title);
    } else if (outcome.measure === "rate") {
      Draw.people(box, `with ${outcome.treatment}`, 100 * Numerics.expit(summaries.mu.median), outcome.title);
    }
  }

  // What each prior says on the scale people know.
  function tellPriors(outcome) {
    const tell = (which, text, scale) => {
      const box = $(`c-${which}-says`);
      if (text === null) return void (box.textContent = "");
      const range = Priors.range(Priors.parse(text), 0.95);
      box.textContent = `${text}: ${scale(range)}`;
    };
    tell("mu", state.mu, ([low, high]) => {
      const onRate = outcome.measure === "rate" && Priors.support(Priors.parse(state.mu))[0] >= 0;
      const natural = onRate ? [low, high] : [low, high].map((x) => Absolute.toNatural(outcome.measure, x));
      return `${outcome.measure} ${Words.interval(...natural)} with 95% probability`;
    });
    tell("tau", state.tau, ([low, high]) => `tau ${Words.interval(low, high)} with 95% probability`);
  }

  function fill(select, options, chosen) {
    select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
    select.value = String(chosen);
  }

  function showControls() {
    const outcome = data.outcomes[state.outcome], scale = scaleOfOutcome(outcome);
    fill($("c-outcome"), data.outcomes.map((o, i) => [i, o.title]), state.outcome);
    const designs = [...new Set(outcome.surfaces.map((s) => s.design))], design = outcome.surfaces[state.surface].design;
    fill($("c-design"), designs.map((d) => [d, d]), design);
    fill($("c-surface"), outcome.surfaces.map((s, i) => [i, s.label]).filter(([i]) => outcome.surfaces[i].design === design), state.surface);
    controls.mu.show(state.mu, outcome, scale.mu);
    controls.tau.show(state.tau, outcome, scale.tau);
    $("row-risk").hidden = state.risk === null;
    if (state.risk !== null) {
      $("c-risk").value = String(Number((100 * state.risk).toPrecision(4)));
      $("c-risk-slider").value = $("c-risk").value;
    }
    $("c-prob").value = String(state.prob);
    $("l-threshold").textContent = `Worthwhile effect (${outcome.name})`;
    $("c-threshold").value = String(state.threshold);
  }

  // Scales for sliders: the spread of the run's own priors.
  function scaleOfOutcome(outcome) {
    const width = (text, low) => {
      const prior = text === null ? null : Priors.parse(text);
      if (!prior || Priors.isPoint(prior)) return 0.5;
      const range = Priors.range(prior, 0.6827);
      return Number(((low ? range[1] : range[1] - range[0]) / 2).toPrecision(2)) || 0.5;
    };
    return { mu: outcome.measure === "rate" ? 1.5 : width(outcome.priors.mu, false), tau: width(outcome.priors.tau, true) };
  }

  function choose(index) {
    state = State.initial(data, index);
    showControls();
    update();
  }

  function listen() {
    controls = {
      mu: Controls.make("mu", ["normal", "student-t", "cauchy", "uniform"], 1, (text) => ((state.mu = text), update())),
      tau: Controls.make("tau", ["half-normal", "half-cauchy", "half-student-t", "exponential", "log-normal", "uniform", "inverse-gamma"], 0.5, (text) => ((state.tau = text), update())),
    };
    $("c-outcome").addEventListener("change", (event) => choose(Number(event.target.value)));
    $("c-design").addEventListener("change", (event) => {
      state.surface = data.outcomes[state.outcome].surfaces.findIndex((s) => s.design === event.target.value);
      showControls();
      update();
    });
    $("c-surface").addEventListener("change", (event) => ((state.surface = Number(event.target.value)), update()));
    const risk = (from, to) => from.addEventListener("input", () => {
      const value = Number(from.value) / 100, good = from.value.trim() !== "" && value > 0 && value < 1;
      $("c-risk").setAttribute("aria-invalid", String(!good));
      if (!good) return;
      to.value = from.value;
      state.risk = value;
      update();
    });
    risk($("c-risk"), $("c-risk-slider"));
    risk($("c-risk-slider"), $("c-risk"));
    $("c-prob").addEventListener("change", (event) => ((state.prob = Number(event.target.value)), update()));
    $("c-threshold").addEventListener("input", (event) => {
      const value = event.target.value.trim() === "" ? NaN : Number(event.target.value);
      const good = Number.isFinite(Absolute.fromNatural(data.outcomes[state.outcome].measure, value));
      event.target.setAttribute("aria-invalid", String(!good));
      if (good) (state.threshold = value), update();
    });
    $("b-reset").addEventListener("click", () => choose(state.outcome));
    $("b-link").addEventListener("click", () => copy(`${location.href.split("#")[0]}#${State.toFragment(data, state)}`, "Link copied"));
    $("b-command").addEventListener("click", () => copy(State.command(data, state), "Command copied"));
    window.addEventListener("hashchange", restore);
  }

  function copy(text, done) {
    // Not navigator.clipboard: it may wait for ever for a permission that a page opened from disk is never given.
    document.addEventListener("copy", (event) => (event.clipboardData.setData("text/plain", text), event.preventDefault()), { once: true });
    const granted = document.execCommand("copy");
    window.bayesIvig.copied = text;
    $("copied").textContent = granted ? done : "This browser does not let the page copy";
    setTimeout(() => ($("copied").textContent = ""), 4000);
  }

  // A fragment with "=" holds settings; any other is a place on the page.
  function restore() {
    const fragment = location.hash.slice(1);
    if (!fragment.includes("=")) return;
    if (state && fragment === State.toFragment(data, state)) return;
    const { state: found, refused } = State.fromFragment(data, fragment);
    state = found;
    showControls();
    update();
    if (refused.length) {
      $("live-error").textContent = `The link holds values that are not allowed and were left out: ${refused.join(", ")}.`;
      $("live-error").hidden = false;
    }
    $("live").scrollIntoView();
  }

  // The thresholds of the summary of findings: a field in each row whose outcome has a surface.
  function thresholds() {
    for (const cell of document.querySelectorAll("[data-live^='threshold:']")) {
      const outcome = data.outcomes.find((o) => `threshold:${o.id}` === cell.dataset.live);
      if (!outcome || outcome.benefit === null) continue;
      let posterior;
      try {
        posterior = answer(outcome, State.initial(data, data.outcomes.indexOf(outcome))).posterior;
      } catch {
        continue; // the self-check says so
      }
      const field = document.createElement("input"), label = document.createElement("label"), out = document.createElement("output");
      field.type = "number";
      field.step = "any";
      field.id = `t-${outcome.id}`;
      field.value = String(State.noEffect(outcome.measure));
      const lower = !upwards(outcome);
      label.htmlFor = field.id;
      label.textContent = `P(${outcome.measure} ${lower ? "below" : "above"})`;
      const write = () => {
        const cut = Absolute.fromNatural(outcome.measure, Number(field.value));
        const above = Number.isFinite(cut) ? posterior.mu.above(cut) : NaN;
        out.textContent = Words.probability(lower ? 1 - above : above);
      };
      field.addEventListener("input", write);
      write();
      const text = document.createElement("p");
      text.append(...cell.childNodes);
      cell.append(label, " ", field, " ", out);
      if (text.textContent.trim() !== "-") cell.append(text);
    }
  }

  function start() {
    window.bayesIvig = { data, answer, selfCheck };
    if (!data.outcomes.length) return;
    listen();
    $("live-off").hidden = true;
    $("live-panel").hidden = false;
    choose(0);
    restore();
    thresholds();
    setTimeout(check, 0);
  }

  // After the first picture: it takes a moment.
  function check() {
    const wrong = selfCheck();
    document.documentElement.dataset.checked = wrong.length ? "differs" : "agrees";
    if (wrong.length) {
      const warning = $("warning");
      warning.textContent = `This browser's numbers differ from those computed by the program: ${wrong.slice(0, 5).join("; ")}. Do not trust the numbers under "Other priors".`;
      warning.hidden = false;
    }
  }

  start();
})();
