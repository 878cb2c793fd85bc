// The effect of each trial under these priors: what its own data say, drawn towards the others.
//
// p(theta_i | data) is the posterior of (mu, tau) averaged over L_i(theta) N(theta; mu, tau) / L_i(mu, tau), with
// L_i(mu, tau) the integral of L_i(theta) N(theta; mu, tau). L_i comes as a table of log L_i(theta).

const Studies = (() => {
  "use strict";
  const ORDER = 8, PANELS = 16, STEPS = 2048;
  const KEPT = 1e-5; // of the posterior mass: rows below it are left out
  const HERMITE = Posterior.hermite(5);
  const decoded = new WeakMap();

  function curveOf(table) {
    if (!decoded.has(table)) decoded.set(table, Surface.decodeCurve(table));
    return decoded.get(table);
  }

  // One {median, ci} a trial; none where mu or the effects do not vary.
  function shrink(posterior, tables, prob) {
    const { rows, total, mu } = posterior.nodes, muPanels = posterior.mu.panels;
    const low = posterior.theta_new.quantile(1e-4), high = posterior.theta_new.quantile(1 - 1e-4);
    if (!muPanels.length || !(high > low)) return [];
    const width = (high - low) / PANELS;
    const panels = Array.from({ length: PANELS }, (_, p) => [low + p * width, low + (p + 1) * width]);
    const { places: thetas, weights } = Panelled.nodes(panels, ORDER);
    const trials = tables.map((table) => {
      const curve = curveOf(table), logs = Float64Array.from(thetas, (x) => Surface.curveAt(curve, x));
      const top = logs.reduce((a, b) => Math.max(a, b), -Infinity);
      return { at: lookup(curve, top, low - 4 * width, high + 4 * width), likelihood: logs.map((x) => Math.exp(x - top)), around: new Float64Array(thetas.length) };
    });
    for (const row of rows) {
      if (row.mass < KEPT * total) continue;
      if (row.tau < 0.6 * width) narrow(row, mu, muPanels, thetas, trials);
      else wide(row, mu, total, { low, width, thetas, weights }, trials);
    }
    return trials.map(({ likelihood, around }) => {
      const held = Panelled.make(panels, ORDER, around.map((x, j) => x * likelihood[j]));
      return { median: held.quantile(0.5), ci: [held.quantile((1 - prob) / 2), held.quantile((1 + prob) / 2)] };
    });
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

  // Add what a row says of N(theta; mu, tau) / L_i(mu, tau): the nodes of theta resolve the bell around each mu.
  function wide(row, mu, total, { low, width, thetas, weights }, trials) {
    const bell = new Float64Array(thetas.length), reach = 6 * row.tau;
    for (let i = 0; i < mu.places.length; i++) {
      const w = row.weight * mu.weights[i] * row.values[i], centre = mu.places[i];
      if (w < 0.1 * KEPT * total) continue;
      const first = Math.min(PANELS, Math.max(0, Math.floor((centre - reach - low) / width))) * ORDER;
      const last = Math.max(0, Math.min(PANELS, Math.ceil((centre + reach - low) / width))) * ORDER;
      for (let j = first; j < last; j++) {
        const z = (thetas[j] - centre) / row.tau;
        bell[j] = Math.exp(-0.5 * z * z);
      }
      for (const { likelihood, around } of trials) {
        let whole = 0;
        for (let j = first; j < last; j++) whole += weights[j] * bell[j] * likelihood[j];
        if (!(whole > 0)) continue;
        const share = w / whole;
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
