// The effect of each trial under these priors: what its own data say, drawn towards the others.
//
// p(theta_i | data) is the posterior of (mu, tau) averaged over L_i(theta) N(theta; mu, tau) / L_i(mu, tau), with
// L_i(mu, tau) the integral of L_i(theta) N(theta; mu, tau). L_i comes as a table of log L_i(theta).

const Studies = (() => {
  "use strict";
  const POINTS = 160, STEPS = 2048;
  const KEPT = 1e-5; // of the posterior mass: rows below it are left out
  const HERMITE = Posterior.hermite(5);
  const decoded = new WeakMap();

  function curveOf(table) {
    if (!decoded.has(table)) decoded.set(table, Surface.decodeCurve(table));
    return decoded.get(table);
  }

  // One {median, ci} a trial; none where mu or the effects do not vary. The density of theta_i is held on an even grid,
  // where sums are as good as any quadrature (Trefethen and Weideman, SIAM Review 2014;56:385-458).
  function shrink(posterior, tables, prob) {
    const { rows, total, mu } = posterior.nodes, muPanels = posterior.mu.panels;
    const low = posterior.theta_new.quantile(1e-5), high = posterior.theta_new.quantile(1 - 1e-5);
    if (!muPanels.length || !(high > low)) return [];
    const step = (high - low) / (POINTS - 1), thetas = Float64Array.from({ length: POINTS }, (_, j) => low + j * step);
    const trials = tables.map((table) => {
      const curve = curveOf(table), logs = thetas.map((x) => Surface.curveAt(curve, x));
      const top = logs.reduce((a, b) => Math.max(a, b), -Infinity);
      return {
        at: lookup(curve, top, low - 20 * step, high + 20 * step),
        likelihood: logs.map((x) => Math.exp(x - top)),
        around: new Float64Array(POINTS),
      };
    });
    for (const row of rows) {
      if (row.mass < KEPT * total) continue;
      if (row.tau < 1.5 * step) narrow(row, mu, muPanels, thetas, trials);
      else wide(row, mu, total, low, step, trials);
    }
    return trials.map(({ likelihood, around }) => {
      const density = around.map((x, j) => x * likelihood[j]), below = running(density, step);
      const at = (q) => low + step * crossing(below, density, step, q * below[POINTS - 1]);
      return { median: at(0.5), ci: [at((1 - prob) / 2), at((1 + prob) / 2)] };
    });
  }

  // Running integral at the points: trapezoids with the first correction of Euler and Maclaurin.
  function running(density, step) {
    const below = new Float64Array(POINTS);
    for (let j = 1, sum = 0; j < POINTS; j++) {
      sum += (step * (density[j - 1] + density[j])) / 2;
      const slope = ((density[j + 1] || 0) - density[j - 1]) / 2;
      below[j] = sum - (step * slope) / 12;
    }
    return below;
  }

  // Where the running integral reaches a target, in steps: cubic between points.
  function crossing(below, density, step, target) {
    let j = 0;
    while (j < POINTS - 2 && below[j + 1] < target) j++;
    let a = 0, b = 1;
    for (let i = 0; i < 40; i++) {
      const t = (a + b) / 2, s = 1 - t;
      const value = s * s * ((1 + 2 * t) * below[j] + t * step * density[j]) + t * t * ((1 + 2 * s) * below[j + 1] - s * step * density[j + 1]);
      if (value < target) a = t; else b = t;
    }
    return j + (a + b) / 2;
  }

  // The likelihood of a trial on a fine even grid, straight between its points.
  function lookup(curve, top, low, high) {
    const step = (high - low) / STEPS;
    const values = Float64Array.from({ length: STEPS + 2 }, (_, i) => Math.exp(Surface.curveAt(curve, low + i * step) - top));
    return (x) => {
      const at = Math.min(STEPS, Math.max(0, (x - low) / step)), i = Math.floor(at);
      return values[i] + (at - i) * (values[i + 1] - values[i]);
    };
  }

  // Add what a row says of N(theta; mu, tau) / L_i(mu, tau): the points of theta resolve the bell around each mu. From
  // point to point the bell changes by a factor that itself changes by a factor, so no exponential is needed.
  function wide(row, mu, total, low, step, trials) {
    const bell = new Float64Array(POINTS), reach = 6 * row.tau, z = step / row.tau, bend = Math.exp(-z * z);
    for (let i = 0; i < mu.places.length; i++) {
      const w = row.weight * mu.weights[i] * row.values[i], centre = mu.places[i];
      if (w < 1e-3 * KEPT * total) continue;
      const first = Math.min(POINTS, Math.max(0, Math.floor((centre - reach - low) / step)));
      const last = Math.max(0, Math.min(POINTS, Math.ceil((centre + reach - low) / step) + 1));
      const start = (low + first * step - centre) / row.tau;
      let height = Math.exp(-0.5 * start * start), factor = Math.exp(-z * start - 0.5 * z * z);
      for (let j = first; j < last; j++) {
        bell[j] = height;
        height *= factor;
        factor *= bend;
      }
      for (const { likelihood, around } of trials) {
        let whole = 0;
        for (let j = first; j < last; j++) whole += bell[j] * likelihood[j];
        if (!(whole > 0)) continue;
        const share = w / (whole * step);
        for (let j = first; j < last; j++) around[j] += share * bell[j];
      }
    }
  }

  // The same where the bell is narrower than the nodes: Gauss-Hermite places around each theta, and around each mu.
  function narrow(row, mu, muPanels, thetas, trials) {
    const order = mu.places.length / muPanels.length, n = HERMITE.nodes.length;
    for (const { at: likelihoodAt, around } of trials) {
      const ratios = new Float64Array(mu.places.length);
      for (let i = 0; i < ratios.length; i++) {
        if (row.values[i] < 1e-8) continue;
        let whole = 0;
        for (let k = 0; k < n; k++) {
          whole += HERMITE.weights[k] * likelihoodAt(mu.places[i] + row.tau * HERMITE.nodes[k]);
        }
        if (whole > 0) ratios[i] = (row.weight * row.values[i]) / whole;
      }
      const at = Panelled.interpolator(muPanels, order, ratios);
      for (let j = 0; j < thetas.length; j++) {
        let sum = 0;
        for (let k = 0; k < n; k++) sum += HERMITE.weights[k] * at(thetas[j] - row.tau * HERMITE.nodes[k]);
        around[j] += sum;
      }
    }
  }

  return { shrink };
})();
