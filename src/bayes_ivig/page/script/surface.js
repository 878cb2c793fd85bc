// The likelihood surface: a table of log L(mu, tau), interpolated panel by panel (page/surface_json.py says how).

const Surface = (() => {
  "use strict";

  // Little-endian 32-bit floats from base64.
  function floats(text) {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const view = new DataView(bytes.buffer), values = new Float64Array(bytes.length / 4);
    for (let i = 0; i < values.length; i++) values[i] = view.getFloat32(4 * i, true);
    return values;
  }

  function decode(table) {
    const d = table.degree, log = floats(table.log);
    const muEdges = table.mu.edges, tauEdges = table.tau.edges, scale = table.tau.scale;
    const nMu = d * (muEdges.length - 1) + 1, nTau = d * (tauEdges.length - 1) + 1;
    if (nMu * nTau !== log.length) throw new Error("the table of the likelihood is not whole");
    return { d, log, muEdges, tauEdges, scale, nMu, nTau, peak: table.peak };
  }

  const known = new Map();

  function pointsOf(d) {
    if (!known.has(d)) known.set(d, Float64Array.from({ length: d + 1 }, (_, j) => -Math.cos((Math.PI * j) / d)));
    return known.get(d);
  }

  // Barycentric weights of the d + 1 points of a panel at x in [-1, 1], each over their sum.
  function basis(d, x, out) {
    const points = pointsOf(d);
    let sum = 0;
    for (let j = 0; j <= d; j++) {
      const gap = x - points[j];
      if (gap === 0) {
        out.fill(0);
        out[j] = 1;
        return out;
      }
      out[j] = ((j % 2 ? -1 : 1) * (j === 0 || j === d ? 0.5 : 1)) / gap;
      sum += out[j];
    }
    for (let j = 0; j <= d; j++) out[j] /= sum;
    return out;
  }

  // The derivative of each point's polynomial at an end of a panel, for straight tails.
  function endSlope(d, atHigh, out) {
    const x = (j) => -Math.cos((Math.PI * j) / d), w = (j) => (j % 2 ? -1 : 1) * (j === 0 || j === d ? 0.5 : 1);
    const end = atHigh ? d : 0;
    let own = 0;
    for (let j = 0; j <= d; j++) {
      if (j === end) continue;
      out[j] = w(j) / w(end) / (x(end) - x(j));
      own -= out[j];
    }
    out[end] = own;
    return out;
  }

  // Where a place lies among edges: its panel and the weights of the panel's points.
  function locate(edges, d, at, out) {
    const last = edges.length - 1;
    let panel = 0;
    if (at <= edges[0] || at >= edges[last]) {
      const high = at >= edges[last];
      panel = high ? last - 1 : 0;
      const half = (edges[panel + 1] - edges[panel]) / 2, beyond = (at - edges[high ? last : 0]) / half;
      endSlope(d, high, out);
      for (let j = 0; j <= d; j++) out[j] *= beyond;
      out[high ? d : 0] += 1;
      return panel;
    }
    let low = 0, high = last;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (edges[middle] <= at) low = middle; else high = middle;
    }
    panel = low;
    basis(d, (2 * at - edges[panel] - edges[panel + 1]) / (edges[panel + 1] - edges[panel]), out);
    return panel;
  }

  // log L - peak at one tau, at every mu node of the table. Beyond the last tau the surface keeps its shape and grows
  // with tau, so mu is drawn towards the centre by `factor`; its height goes on by `shift`.
  function row(surface, tau) {
    const { d, log, nMu, tauEdges, scale } = surface;
    const weights = new Float64Array(d + 1), values = new Float64Array(nMu), end = tauEdges[tauEdges.length - 1];
    const w = Math.asinh(tau / scale), inside = Math.min(w, end);
    const panel = locate(tauEdges, d, inside, weights);
    for (let j = 0; j <= d; j++) {
      const start = (panel * d + j) * nMu, weight = weights[j];
      if (weight !== 0) for (let i = 0; i < nMu; i++) values[i] += weight * log[start + i];
    }
    if (w <= end) return { values, factor: 1, shift: 0 };
    // At the middle edge log L is a + b w - c exp(-w) for large w: b = -k for k normal trials, 0 where trials with few
    // events can say nothing against a wild tau. Three heights a step of 1 apart give b and c.
    const middle = (nMu - 1) / 2, heights = [0, 1, 2].map((back) => {
      const at = locate(tauEdges, d, end - back, weights);
      let height = 0;
      for (let j = 0; j <= d; j++) height += weights[j] * log[(at * d + j) * nMu + middle];
      return height;
    });
    const steps = [heights[0] - heights[1], heights[1] - heights[2]], growth = Math.E - 1;
    const c = (steps[1] - steps[0]) / growth ** 2, b = Math.min(0, steps[0] - c * growth), beyond = w - end;
    return { values, factor: (scale * Math.sinh(end)) / tau, shift: b * beyond - c * Math.expm1(-beyond) };
  }

  // The places `mus` in the table, once for many rows: first node and weights of each, and how far it is beyond an end.
  function places(surface, mus) {
    const { d, muEdges } = surface, n = mus.length, low = muEdges[0], high = muEdges[muEdges.length - 1];
    const starts = new Int32Array(n), weights = new Float64Array(n * (d + 1)), beyond = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      const inside = Math.min(high, Math.max(low, mus[i]));
      beyond[i] = mus[i] - inside;
      starts[i] = d * locate(muEdges, d, inside, weights.subarray(i * (d + 1), (i + 1) * (d + 1)));
    }
    return { surface, mus, n, d, starts, weights, beyond };
  }

  // Values of a row at places. Beyond the ends they fall straight, or stay: they never rise.
  function along({ values, factor, shift }, at, out) {
    const { surface } = at, { muEdges } = surface;
    if (factor !== 1) {
      const centre = muEdges[(muEdges.length - 1) / 2];
      at = places(surface, Float64Array.from(at.mus, (x) => centre + factor * (x - centre)));
    }
    const { n, d, starts, weights, beyond } = at;
    const low = Math.max(0, slopeAt(surface, values, false)), high = Math.min(0, slopeAt(surface, values, true));
    for (let i = 0, k = 0; i < n; i++) {
      let sum = shift;
      for (let j = 0, start = starts[i]; j <= d; j++) sum += weights[k++] * values[start + j];
      out[i] = sum + (beyond[i] > 0 ? high : low) * beyond[i];
    }
    return out;
  }

  // Slope in mu at an end of a row.
  function slopeAt({ d, muEdges, nMu }, values, atHigh) {
    const weights = endSlope(d, atHigh, new Float64Array(d + 1)), last = muEdges.length - 1;
    const half = (atHigh ? muEdges[last] - muEdges[last - 1] : muEdges[1] - muEdges[0]) / 2;
    let slope = 0;
    for (let j = 0; j <= d; j++) slope += weights[j] * values[(atHigh ? nMu - 1 - d : 0) + j];
    return slope / half;
  }

  // The log likelihood of one trial as a function of its own effect: the same panels, straight beyond them.
  function decodeCurve({ edges, degree, log }) {
    return { edges, d: degree, log: floats(log), weights: new Float64Array(degree + 1) };
  }

  function curveAt({ edges, d, log, weights }, theta) {
    const start = d * locate(edges, d, theta, weights);
    let sum = 0;
    for (let j = 0; j <= d; j++) sum += weights[j] * log[start + j];
    return sum;
  }

  return { decode, row, places, along, decodeCurve, curveAt };
})();
