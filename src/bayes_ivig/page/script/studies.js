// The effect of each trial under these priors: what its own data say, drawn towards the others.
//
// p(theta_i | data) is the posterior of (mu, tau) averaged over L_i(theta) N(theta; mu, tau) / L_i(mu, tau), with
// L_i(mu, tau) the integral of L_i(theta) N(theta; mu, tau). L_i comes as a table of log L_i(theta).

const Studies = (() => {
  "use strict";
  const ORDER = 8, PANELS = 24;
  const KEPT = 1e-6; // of the posterior mass: rows below it are left out
  const HERMITE = Posterior.hermite(5);
  const decoded = new WeakMap();

  function curveOf(table) {
    if (!decoded.has(table)) decoded.set(table, Surface.decodeCurve(table));
    return decoded.get(table);
  }

  // One {median, ci} a trial; none where mu or the effects do not vary.
  function shrink(posterior, tables, prob) {
    const { rows, total, mu } = posterior.nodes, muPanels = posterior.mu.panels;
    const low = posterior.theta_new.quantile(2e-5), high = posterior.theta_new.quantile(1 - 2e-5);
    if (!muPanels.length || !(high > low)) return [];
    const width = (high - low) / PANELS;
    const panels = Array.from({ length: PANELS }, (_, p) => [low + p * width, low + (p + 1) * width]);
    const { places: thetas, weights } = Panelled.nodes(panels, ORDER);
    const trials = tables.map((table) => {
      const curve = curveOf(table), logs = Float64Array.from(thetas, (x) => Surface.curveAt(curve, x));
      const top = logs.reduce((a, b) => Math.max(a, b), -Infinity);
      return { curve, top, likelihood: logs.map((x) => Math.exp(x - top)), around: new Float64Array(thetas.length) };
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

  // Add what a row says of N(theta; mu, tau) / L_i(mu, tau): the nodes of theta resolve the bell around each mu.
  function wide(row, mu, total, { low, width, thetas, weights }, trials) {
    const bell = new Float64Array(thetas.length), reach = 6 * row.tau;
    for (let i = 0; i < mu.places.length; i++) {
      const w = row.weight * mu.weights[i] * row.values[i], centre = mu.places[i];
      if (w < 1e-3 * KEPT * total) continue;
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
    for (const { curve, top, around } of trials) {
      const ratios = new Float64Array(mu.places.length);
      for (let i = 0; i < ratios.length; i++) {
        if (row.values[i] < 1e-12) continue;
        let whole = 0;
        for (let k = 0; k < n; k++) {
          whole += HERMITE.weights[k] * Math.exp(Surface.curveAt(curve, mu.places[i] + row.tau * HERMITE.nodes[k]) - top);
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
