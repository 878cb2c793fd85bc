// Priors: the text form of the command line, read by the same grammar, and the densities of the same families.
//
// A prior is a list of parts {weight, family, args}; `breaks` are places a quadrature should not step over.

const Priors = (() => {
  "use strict";
  const { logGamma, logBeta, expit, logExpit } = Numerics;
  const LOG_2PI = Math.log(2 * Math.PI);
  // Steps outwards in units of a scale: by halves at first, then geometrically, up to 8^13 for a heavy tail.
  const NEAR = [0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 40];
  const FAR = [...NEAR.slice(0, -1), ...Array.from({ length: 12 }, (_, i) => 24 * 8 ** i)];

  const tLog = (z, df) =>
    -0.5 * (df + 1) * Math.log1p((z * z) / df) - 0.5 * Math.log(df) - logBeta(df / 2, 0.5);
  const normalLog = (z) => -0.5 * z * z - 0.5 * LOG_2PI;
  const around = (m, s, steps) => [m, ...steps.flatMap((k) => [m - k * s, m + k * s])];
  const above = (s, steps) => [0, ...steps.map((k) => k * s)];
  const times = (k, x) => (k === 0 ? 0 : k * x); // also where x is infinite
  const REAL = () => [-Infinity, Infinity], POSITIVE = () => [0, Infinity];
  const positive = (...x) => x.every((value) => value > 0);

  // args: names; good: whether arguments are allowed; log: log density; support and breaks from the arguments.
  const FAMILIES = {
    normal: {
      args: ["m", "s"], good: (m, s) => positive(s), support: REAL,
      log: (x, m, s) => normalLog((x - m) / s) - Math.log(s), breaks: (m, s) => around(m, s, NEAR),
    },
    "student-t": {
      args: ["df", "m", "s"], good: (df, m, s) => positive(df, s), support: REAL,
      log: (x, df, m, s) => tLog((x - m) / s, df) - Math.log(s), breaks: (df, m, s) => around(m, s, FAR),
    },
    cauchy: {
      args: ["m", "s"], good: (m, s) => positive(s), support: REAL,
      log: (x, m, s) => tLog((x - m) / s, 1) - Math.log(s), breaks: (m, s) => around(m, s, FAR),
    },
    uniform: {
      args: ["a", "b"], good: (a, b) => a < b, support: (a, b) => [a, b],
      log: (x, a, b) => -Math.log(b - a), breaks: (a, b) => [0, 0.125, 0.25, 0.5, 0.75, 0.875, 1].map((k) => a + k * (b - a)),
    },
    beta: {
      args: ["a", "b"], good: positive, support: () => [0, 1],
      log: (x, a, b) => times(a - 1, Math.log(x)) + times(b - 1, Math.log1p(-x)) - logBeta(a, b), breaks: () => [],
    },
    "half-normal": {
      args: ["s"], good: positive, support: POSITIVE,
      log: (x, s) => Math.LN2 + normalLog(x / s) - Math.log(s), breaks: (s) => above(s, NEAR),
    },
    "half-cauchy": {
      args: ["s"], good: positive, support: POSITIVE,
      log: (x, s) => Math.LN2 + tLog(x / s, 1) - Math.log(s), breaks: (s) => above(s, FAR),
    },
    "half-student-t": {
      args: ["df", "s"], good: positive, support: POSITIVE,
      log: (x, df, s) => Math.LN2 + tLog(x / s, df) - Math.log(s), breaks: (df, s) => above(s, FAR),
    },
    exponential: {
      args: ["rate"], good: positive, support: POSITIVE,
      log: (x, rate) => Math.log(rate) - rate * x, breaks: (rate) => above(1 / rate, NEAR),
    },
    "log-normal": {
      args: ["m", "s"], good: (m, s) => positive(s), support: POSITIVE,
      log: (x, m, s) => (x === 0 ? -Infinity : normalLog((Math.log(x) - m) / s) - Math.log(s) - Math.log(x)),
      breaks: (m, s) => [0, ...around(0, 1, [0.5, 1, 1.5, 2, 3, 4, 5, 6, 8]).map((k) => Math.exp(m + k * s))],
    },
    "log-student-t": {
      args: ["df", "m", "s"], good: (df, m, s) => positive(df, s), support: POSITIVE,
      log: (x, df, m, s) => tLog((Math.log(x) - m) / s, df) - Math.log(s) - Math.log(x),
      breaks: (df, m, s) => [0, ...around(0, 1, [0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 40]).map((k) => Math.exp(m + k * s))],
    },
    "inverse-gamma": {
      args: ["shape", "scale"], good: positive, support: POSITIVE,
      log: (x, a, b) => (x === 0 ? -Infinity : a * Math.log(b) - logGamma(a) - (a + 1) * Math.log(x) - b / x),
      breaks: (a, b) => above(b / (a + 1), [0.03, 0.06, 0.12, ...FAR]),
    },
    fixed: {
      args: ["x"], good: () => true, support: (x) => [x, x], log: () => 0, breaks: (x) => [x],
    },
  };

  // Read "0.8*normal(0, 1) + 0.2*normal(0, 10)"; null where it is not a prior.
  function parse(text) {
    if (typeof text !== "string" || text.length > 1000) return null;
    const parts = [];
    for (const term of text.toLowerCase().split(/\+(?=\s*[0-9.]+(?:e[+-]?\d+)?\s*\*)/)) {
      const match = /^\s*(?:([0-9.]+(?:e[+-]?\d+)?)\s*\*)?\s*([a-z-]+)\s*\(([^()]*)\)\s*$/.exec(term);
      if (!match) return null;
      const family = Object.hasOwn(FAMILIES, match[2]) ? FAMILIES[match[2]] : null;
      const words = match[3].split(",").map((word) => word.trim());
      if (!family || words.length !== family.args.length) return null;
      if (!words.every((word) => /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/.test(word))) return null;
      const args = words.map(Number), weight = match[1] === undefined ? 1 : Number(match[1]);
      if (!args.every((x) => Number.isFinite(x) && Math.abs(x) <= 1e100) || !family.good(...args)) return null;
      parts.push({ weight, family: match[2], args });
    }
    const total = parts.reduce((sum, part) => sum + part.weight, 0);
    if (!(Math.abs(total - 1) <= 1e-9) || !parts.every((part) => part.weight > 0)) return null;
    if (parts.length > 1 && parts.some((part) => part.family === "fixed")) return null;
    return { parts: parts.map((part) => ({ ...part, weight: part.weight / total })), text: textOf(parts) };
  }

  function textOf(parts) {
    const density = (part) => `${part.family}(${part.args.map(String).join(", ")})`;
    return parts.map((part) => (parts.length > 1 ? `${part.weight}*${density(part)}` : density(part))).join(" + ");
  }

  function make(family, ...args) {
    return parse(textOf([{ weight: 1, family, args }]));
  }

  const isPoint = (prior) => prior.parts[0].family === "fixed";
  const point = (prior) => prior.parts[0].args[0];

  function support(prior) {
    const ends = prior.parts.map((part) => FAMILIES[part.family].support(...part.args));
    return [Math.min(...ends.map((end) => end[0])), Math.max(...ends.map((end) => end[1]))];
  }

  // The log density at x, a function.
  function logDensity(prior) {
    const terms = prior.parts.map(({ weight, family, args }) => {
      const row = FAMILIES[family], [low, high] = row.support(...args), log = Math.log(weight);
      return (x) => (x < low || x > high ? -Infinity : log + row.log(x, ...args));
    });
    if (terms.length === 1) return terms[0];
    return (x) => {
      const values = terms.map((term) => term(x)), top = Math.max(...values);
      return top === -Infinity ? top : top + Math.log(values.reduce((sum, v) => sum + Math.exp(v - top), 0));
    };
  }

  function breaks(prior) {
    return prior.parts.flatMap((part) => FAMILIES[part.family].breaks(...part.args));
  }

  // The prior of a rate, carried to the logit, as {log, breaks, support}; any other prior as it is.
  function onScale(prior, rate) {
    const log = logDensity(prior);
    if (!rate || support(prior)[0] < 0) return { log, breaks: breaks(prior), support: support(prior) };
    return {
      log: (x) => log(expit(x)) + logExpit(x) + logExpit(-x),
      breaks: [0, 1, 2, 4, 7, 11, 16, 24, 36].flatMap((x) => [x, -x]),
      support: [-Infinity, Infinity],
    };
  }

  // Equal-tailed range of a prior, from its density on its own breaks.
  function range(prior, prob) {
    if (isPoint(prior)) return [point(prior), point(prior)];
    const log = logDensity(prior), [low, high] = support(prior);
    const unit = low === 0 && high === 1;
    const own = unit ? [1e-6, 1e-4, 1e-3, 0.01, 0.03, 0.1, 0.25, 0.5, 0.75, 0.9, 0.97, 0.99, 0.999, 0.9999, 1 - 1e-6] : breaks(prior);
    const edges = [...new Set([...own, ...[low, high].filter(Number.isFinite)])].filter((x) => x >= low && x <= high);
    edges.sort((a, b) => a - b);
    const panels = edges.slice(1).map((x, i) => [edges[i], x]).filter(([a, b]) => b > a);
    const { places } = Panelled.nodes(panels, 10);
    const held = Panelled.make(panels, 10, places.map((x) => Math.exp(log(x))));
    return [held.quantile((1 - prob) / 2), held.quantile((1 + prob) / 2)];
  }

  return { range, FAMILIES, parse, make, textOf, isPoint, point, support, logDensity, breaks, onScale };
})();
