// Gauss-Legendre rules, the normal distribution function, the gamma function: what the rest is made of.

const Numerics = (() => {
  "use strict";
  const rules = new Map();

  // Nodes and weights of the rule of n points on [-1, 1], by Newton's method on the Legendre polynomial, with
  // `legendre`, the matrix (n x n) from values at the nodes to Legendre coefficients.
  function rule(n) {
    if (rules.has(n)) return rules.get(n);
    const nodes = new Float64Array(n), weights = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      let x = -Math.cos((Math.PI * (i + 0.75)) / (n + 0.5)), slope = 1;
      for (let step = 0; step < 100; step++) {
        const p = legendre(n, x);
        slope = (n * (x * p[n] - p[n - 1])) / (x * x - 1);
        const move = p[n] / slope;
        x -= move;
        if (Math.abs(move) < 1e-15) break;
      }
      nodes[i] = x;
      weights[i] = 2 / ((1 - x * x) * slope * slope);
    }
    const matrix = [];
    for (let l = 0; l < n; l++) {
      const row = new Float64Array(n);
      for (let i = 0; i < n; i++) row[i] = (l + 0.5) * weights[i] * legendre(n, nodes[i])[l];
      matrix.push(row);
    }
    const made = { nodes, weights, legendre: matrix };
    rules.set(n, made);
    return made;
  }

  // Legendre polynomials of degree 0 to n at x.
  function legendre(n, x) {
    const p = new Float64Array(n + 1);
    p[0] = 1;
    if (n > 0) p[1] = x;
    for (let l = 2; l <= n; l++) p[l] = ((2 * l - 1) * x * p[l - 1] - (l - 1) * p[l - 2]) / l;
    return p;
  }

  // The normal distribution function from a table of values and slopes, cubic between them: error below 1e-9.
  const STEP = 1 / 64, EDGE = 9;
  const table = new Float64Array(2 * EDGE * 64 + 1), slopes = new Float64Array(table.length);
  {
    const { nodes, weights } = rule(8);
    let sum = 0;
    for (let i = 0; i < table.length; i++) {
      const x = -EDGE + i * STEP;
      table[i] = sum;
      slopes[i] = density(x);
      for (let j = 0; j < 8; j++) sum += 0.5 * STEP * weights[j] * density(x + 0.5 * STEP * (1 + nodes[j]));
    }
  }

  function density(x) {
    return 0.3989422804014327 * Math.exp(-0.5 * x * x);
  }

  function normalCdf(x) {
    if (!(x > -EDGE)) return 0;
    if (x >= EDGE) return 1;
    const at = (x + EDGE) / STEP, i = Math.floor(at), t = at - i, s = 1 - t;
    const low = table[i], high = table[i + 1];
    return (
      s * s * ((1 + 2 * t) * low + t * STEP * slopes[i]) + t * t * ((1 + 2 * s) * high - s * STEP * slopes[i + 1])
    );
  }

  // log Gamma(x), x > 0 (Lanczos, g = 7, 9 terms).
  const LANCZOS = [
    0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
    12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
  ];
  function logGamma(x) {
    if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
    let sum = LANCZOS[0];
    for (let i = 1; i < 9; i++) sum += LANCZOS[i] / (x - 1 + i);
    const t = x + 6.5;
    return 0.9189385332046727 + (x - 0.5) * Math.log(t) - t + Math.log(sum);
  }

  function logBeta(a, b) {
    return logGamma(a) + logGamma(b) - logGamma(a + b);
  }

  const expit = (x) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));
  const logExpit = (x) => (x >= 0 ? -Math.log1p(Math.exp(-x)) : x - Math.log1p(Math.exp(x)));
  const logit = (p) => Math.log(p) - Math.log1p(-p);

  return { rule, legendre, density, normalCdf, logGamma, logBeta, expit, logExpit, logit };
})();
