// The settings of the live panel, and their text form in the URL's fragment. Every value is checked before use.

const State = (() => {
  "use strict";
  const PROBS = [0.5, 0.8, 0.9, 0.95, 0.99];

  // The run's own settings for one outcome.
  function initial(data, index) {
    const outcome = data.outcomes[index];
    return {
      outcome: index,
      surface: 0,
      mu: outcome.priors.mu,
      tau: outcome.effect === "common" ? null : outcome.priors.tau,
      risk: outcome.risk,
      prob: PROBS.includes(outcome.prob) ? outcome.prob : 0.95,
      threshold: noEffect(outcome.measure),
    };
  }

  function noEffect(measure) {
    return Absolute.isRatio(measure) ? 1 : measure === "rate" ? 0.1 : 0;
  }

  // A prior that mu, or tau, may have; null where the text is none.
  function prior(text, which, measure) {
    const parsed = Priors.parse(text);
    if (!parsed) return null;
    const [low, high] = Priors.support(parsed);
    if (which === "tau") return low >= 0 ? parsed : null;
    const onRate = measure === "rate" && low >= 0 && high <= 1;
    const real = parsed.parts.every(({ family }) => ["normal", "student-t", "cauchy", "uniform", "fixed"].includes(family));
    if (measure === "rate" && onRate) return Priors.isPoint(parsed) && (low <= 0 || low >= 1) ? null : parsed;
    return real ? parsed : null;
  }

  function toFragment(data, state) {
    const outcome = data.outcomes[state.outcome], start = initial(data, state.outcome);
    const pairs = new URLSearchParams();
    pairs.set("o", outcome.id);
    if (state.surface !== 0) pairs.set("s", String(state.surface));
    if (state.mu !== start.mu) pairs.set("mu", state.mu);
    if (state.tau !== start.tau) pairs.set("tau", state.tau === null ? "none" : state.tau);
    if (state.risk !== start.risk) pairs.set("risk", String(state.risk));
    if (state.prob !== start.prob) pairs.set("prob", String(state.prob));
    if (state.threshold !== start.threshold) pairs.set("t", String(state.threshold));
    return pairs.toString();
  }

  // Settings from a fragment, and the names of the values that were refused.
  function fromFragment(data, fragment) {
    const pairs = new URLSearchParams(String(fragment).slice(0, 4000)), refused = [];
    const found = data.outcomes.findIndex((outcome) => outcome.id === pairs.get("o"));
    if (found < 0 && pairs.has("o")) refused.push("outcome");
    const state = initial(data, Math.max(0, found)), outcome = data.outcomes[state.outcome];
    const take = (key, name, read) => {
      if (!pairs.has(key)) return;
      const value = read(pairs.get(key));
      if (value === undefined) refused.push(name);
      else state[name] = value;
    };
    const numeric = (text) => (/^-?\d{1,12}(\.\d{1,20})?(e-?\d{1,2})?$/.test(text) ? Number(text) : NaN);
    take("s", "surface", (text) => (/^\d{1,3}$/.test(text) && Number(text) < outcome.surfaces.length ? Number(text) : undefined));
    take("mu", "mu", (text) => prior(text, "mu", outcome.measure)?.text);
    take("tau", "tau", (text) => (text === "none" ? null : prior(text, "tau", outcome.measure)?.text));
    take("risk", "risk", (text) => (numeric(text) > 0 && numeric(text) < 1 && state.risk !== null ? numeric(text) : undefined));
    take("prob", "prob", (text) => (PROBS.includes(numeric(text)) ? numeric(text) : undefined));
    take("t", "threshold", (text) => (Number.isFinite(Absolute.fromNatural(outcome.measure, numeric(text))) ? numeric(text) : undefined));
    return { state, refused };
  }

  // The `bayes-ivig fit` command of these settings, quoted for a shell.
  function command(data, state) {
    const outcome = data.outcomes[state.outcome], surface = outcome.surfaces[state.surface];
    const words = ["bayes-ivig", "fit", ...outcome.arguments, ...surface.arguments];
    words.push("--effect", state.tau === null ? "common" : "random", "--mu", state.mu);
    if (state.tau !== null) words.push("--tau", state.tau);
    if (state.risk !== null) words.push("--control-risk", String(Number(state.risk.toPrecision(12))));
    if (state.prob !== 0.95) words.push("--prob", String(state.prob));
    return words.map(Words.quote).join(" ");
  }

  return { PROBS, initial, prior, toFragment, fromFragment, command, noEffect };
})();
