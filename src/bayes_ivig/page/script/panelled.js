// A density held by its values at the Gauss-Legendre nodes of panels: masses, distribution function, quantiles.

const Panelled = (() => {
  "use strict";
  const { rule } = Numerics;

  // edges: list of [low, high], increasing; values: density at the nodes, all panels in one array.
  function make(panels, order, values) {
    const { weights, legendre } = rule(order);
    const masses = new Float64Array(panels.length), below = new Float64Array(panels.length + 1);
    for (let p = 0; p < panels.length; p++) {
      const half = (panels[p][1] - panels[p][0]) / 2;
      for (let j = 0; j < order; j++) masses[p] += half * weights[j] * values[p * order + j];
      below[p + 1] = below[p] + masses[p];
    }
    const total = below[panels.length], coefficients = new Array(panels.length);

    function coefficientsOf(p) {
      if (!coefficients[p]) {
        const c = new Float64Array(order);
        for (let l = 0; l < order; l++) for (let j = 0; j < order; j++) c[l] += legendre[l][j] * values[p * order + j];
        coefficients[p] = c;
      }
      return coefficients[p];
    }

    // Mass of panel p below x, for x within it.
    function part(p, x) {
      const [low, high] = panels[p], half = (high - low) / 2;
      const t = Math.min(1, Math.max(-1, (x - low) / half - 1)), c = coefficientsOf(p);
      let before = 1, now = t, sum = c[0] * (t + 1);
      for (let l = 1; l < order; l++) {
        // The integral of P[l] from -1 is (P[l+1] - P[l-1]) / (2 l + 1).
        const next = ((2 * l + 1) * t * now - l * before) / (l + 1);
        sum += (c[l] * (next - before)) / (2 * l + 1);
        before = now;
        now = next;
      }
      return half * sum;
    }

    function panelOf(x) {
      let low = 0, high = panels.length;
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (panels[middle][0] <= x) low = middle; else high = middle;
      }
      return low;
    }

    // Mass below x, of `total`.
    function massBelow(x) {
      if (!panels.length || x <= panels[0][0]) return 0;
      const p = panelOf(x);
      return x >= panels[p][1] ? below[p + 1] : below[p] + part(p, x);
    }

    function cdf(x) {
      return massBelow(x) / total;
    }

    // P(X > x), summed from above, so that a small probability keeps its digits.
    function above(x) {
      if (!panels.length || x <= panels[0][0]) return 1;
      const p = panelOf(x);
      let sum = x >= panels[p][1] ? 0 : masses[p] - part(p, x);
      for (let q = p + 1; q < panels.length; q++) sum += masses[q];
      return Math.max(0, sum) / total;
    }

    function quantile(q) {
      const target = q * total;
      let p = 0;
      while (p < panels.length - 1 && below[p + 1] < target) p++;
      let [low, high] = panels[p];
      for (let step = 0; step < 60 && high - low > 1e-13 * (Math.abs(low) + Math.abs(high)); step++) {
        const middle = (low + high) / 2;
        if (below[p] + part(p, middle) < target) low = middle; else high = middle;
      }
      return (low + high) / 2;
    }

    return { panels, order, values, total, masses, cdf, above, quantile, panelOf };
  }

  // The function that interpolates values at the nodes of panels; 0 outside them.
  function interpolator(panels, order, values) {
    const { legendre } = rule(order), coefficients = new Array(panels.length);
    return (x) => {
      if (x < panels[0][0] || x > panels[panels.length - 1][1]) return 0;
      let low = 0, high = panels.length;
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (panels[middle][0] <= x) low = middle; else high = middle;
      }
      const [a, b] = panels[low];
      if (x > b) return 0;
      const c = (coefficients[low] ||= legendre.map((row) => row.reduce((s, w, j) => s + w * values[low * order + j], 0)));
      const t = (2 * x - a - b) / (b - a);
      let before = 1, now = t, sum = c[0] + c[1] * t;
      for (let l = 2; l < order; l++) {
        const next = ((2 * l - 1) * t * now - (l - 1) * before) / l; // Legendre's recurrence
        before = now;
        now = next;
        sum += c[l] * now;
      }
      return sum;
    };
  }

  // All mass at one place.
  function point(x0) {
    return { cdf: (x) => (x >= x0 ? 1 : 0), above: (x) => (x < x0 ? 1 : 0), quantile: () => x0, total: 1, panels: [] };
  }

  // Nodes of panels in one array, and the weight of each.
  function nodes(panels, order) {
    const { nodes: x, weights } = rule(order);
    const places = new Float64Array(panels.length * order), w = new Float64Array(places.length);
    panels.forEach(([low, high], p) => {
      for (let j = 0; j < order; j++) {
        places[p * order + j] = low + ((high - low) / 2) * (1 + x[j]);
        w[p * order + j] = ((high - low) / 2) * weights[j];
      }
    });
    return { places, weights: w };
  }

  return { make, interpolator, point, nodes };
})();
