// The posterior of mu, tau and the effect in a new trial: any prior of the table over one likelihood surface.
//
// Gauss-Legendre panels in mu and in tau, whose edges are those of the prior and of the surface; panels are halved
// until the integrand is smooth on each, and left out where it is below exp(-30) of its largest.

const Posterior = (() => {
  "use strict";
  const { rule, normalCdf, density } = Numerics;
  const ORDER = 10;
  const NEGLIGIBLE = 30; // nats
  const HERMITE = hermite(13);

  // Increasing panels between the ends of a support; edges that nearly coincide become one.
  function panelsOf(edges, [low, high]) {
    const inside = edges.filter((x) => x > low && x < high && Number.isFinite(x));
    if (Number.isFinite(low)) inside.push(low);
    if (Number.isFinite(high)) inside.push(high);
    inside.sort((a, b) => a - b);
    const panels = [];
    let last = inside[0];
    for (const x of inside.slice(1)) {
      const tiny = 1e-12 * (Math.abs(x) + Math.abs(last));
      if (x - last > tiny) {
        panels.push([last, x]);
        last = x;
      }
    }
    return panels;
  }

  function integrate(surface, muPrior, tauPrior, { rate = false } = {}) {
    const mu = Priors.onScale(muPrior, rate);
    const tauPoint = tauPrior === null ? 0 : Priors.isPoint(tauPrior) ? Priors.point(tauPrior) : null;
    const muPoint = Priors.isPoint(muPrior) ? logitIf(rate, Priors.point(muPrior)) : null;
    const tau = tauPoint === null ? { log: Priors.logDensity(tauPrior), support: Priors.support(tauPrior) } : null;

    // Panels in tau: those of the prior and of the surface.
    const tauEdges = tau && [...surface.tauEdges.map((w) => surface.scale * Math.sinh(w)), ...Priors.breaks(tauPrior)];
    let tauPanels = tau ? panelsOf(tauEdges, tau.support) : [];

    // A few values of tau stand for all while the panels in mu are made.
    const scouts = tau
      ? tauPanels.map(([a, b]) => ({ tau: (a + b) / 2, log: tau.log((a + b) / 2) + Math.log(b - a) }))
      : [{ tau: tauPoint, log: 0 }];
    const scoutRows = scouts.map(({ tau: t }) => Surface.row(surface, t));
    let muPanels = null, muNodes;
    if (muPoint === null) {
      muPanels = panelsOf([...surface.muEdges, ...mu.breaks], mu.support);
      muPanels = refine(surface, mu.log, muPanels, scouts, scoutRows);
      muNodes = Panelled.nodes(muPanels, ORDER);
    } else {
      muNodes = { places: Float64Array.of(muPoint), weights: Float64Array.of(1) };
    }
    const places = Surface.places(surface, muNodes.places), n = muNodes.places.length;
    const logMu = muPoint === null ? muNodes.places.map(mu.log) : Float64Array.of(0);

    // One row of the joint density at every node of mu, for one tau; its logarithm is scaled by the peak.
    function jointRow(t, logPrior) {
      const values = Surface.along(Surface.row(surface, t), places, new Float64Array(n));
      let top = -Infinity;
      for (let i = 0; i < n; i++) {
        values[i] += logMu[i] + logPrior;
        if (values[i] > top) top = values[i];
      }
      return { tau: t, values, top };
    }

    let rows = [], tauWeights;
    if (tau) {
      ({ panels: tauPanels, rows } = tauRows(tauPanels, tau.log, jointRow, scouts, scoutRows));
      tauWeights = Panelled.nodes(tauPanels, ORDER).weights;
    } else {
      rows = [jointRow(tauPoint, 0)];
      tauWeights = Float64Array.of(1);
    }
    const peak = rows.reduce((top, row) => Math.max(top, row.top), -Infinity);
    const muDensity = new Float64Array(n), tauDensity = new Float64Array(rows.length);
    const masses = new Float64Array(rows.length);
    let total = 0;
    rows.forEach((row, k) => {
      let mass = 0;
      const w = tauWeights[k];
      for (let i = 0; i < n; i++) {
        const value = Math.exp(row.values[i] - peak);
        row.values[i] = value; // from here on a density, no logarithm
        muDensity[i] += w * value;
        mass += muNodes.weights[i] * value;
      }
      tauDensity[k] = mass;
      masses[k] = mass * w;
      total += masses[k];
    });
    if (!(total > 0)) throw new Error("this prior puts no mass where the likelihood has any");

    const muMarginal = muPoint === null ? Panelled.make(muPanels, ORDER, muDensity) : Panelled.point(muPoint);
    const tauMarginal = tau ? Panelled.make(tauPanels, ORDER, tauDensity) : Panelled.point(tauPoint);
    const used = rows.map((row, k) => ({ ...row, mass: masses[k], weight: tauWeights[k] })).filter((r) => r.mass > 1e-9 * total);
    const muMoments = moments(muNodes, muDensity, mu.support);
    const tauNodes = tau ? Panelled.nodes(tauPanels, ORDER) : { places: [tauPoint], weights: [1] };
    const tauMoments = moments(tauNodes, tau ? tauDensity : [1], tau ? tau.support : [0, 0]);
    // Var(theta_new) = Var(mu) + E(tau^2): z is independent of both.
    const known = muMoments.sd !== null && tauMoments.sd !== null;
    const spread = known ? Math.hypot(muMoments.sd, tauMoments.sd, tauMoments.mean) : null;
    const newMean = tauMoments.mean === null ? null : muMoments.mean;
    return {
      logEvidence: surface.peak + peak + Math.log(total),
      mu: { ...muMoments, ...muMarginal },
      tau: { ...tauMoments, ...tauMarginal },
      theta_new: { mean: newMean, sd: spread, ...predict(used, total, muPanels, muNodes, muMarginal) },
      nodes: { mu: muNodes, rows: used, total },
    };
  }

  function logitIf(rate, x) {
    return rate ? Numerics.logit(x) : x;
  }

  // Mean and SD of a density at nodes; null where the outermost panel of an open end still adds to them: then they do
  // not exist.
  function moments({ places, weights }, values, support) {
    const n = places.length;
    let mass = 0, first = 0, second = 0;
    for (let i = 0; i < n; i++) {
      mass += weights[i] * values[i];
      first += weights[i] * values[i] * places[i];
    }
    const mean = first / mass;
    const ends = [[0, 0], [0, 0]];
    for (let i = 0; i < n; i++) {
      const gap = places[i] - mean, w = weights[i] * values[i];
      second += w * gap * gap;
      const end = i < ORDER ? 0 : i >= n - ORDER ? 1 : -1;
      if (end >= 0 && n > ORDER && !Number.isFinite(support[end])) {
        ends[end][0] += w * Math.abs(gap);
        ends[end][1] += w * gap * gap;
      }
    }
    const sd = Math.sqrt(second / mass);
    const share = (power, whole) => Math.max(ends[0][power], ends[1][power]) > 1e-5 * whole;
    const noSd = share(1, second), noMean = noSd && share(0, mass * (quartiles(places, weights, values, mass) || sd));
    return { mean: noMean ? null : mean, sd: noSd ? null : sd };
  }

  // The width of the middle half of a density at nodes, roughly.
  function quartiles(places, weights, values, mass) {
    let sum = 0, low = places[0];
    for (let i = 0; i < places.length; i++) {
      if (sum < 0.25 * mass) low = places[i];
      sum += weights[i] * values[i];
      if (sum > 0.75 * mass) return places[i] - low;
    }
    return 0;
  }

  // Halve panels in mu until log density bends and falls little on each, for every scout; drop those far below the top.
  function refine(surface, logMu, panels, scouts, scoutRows) {
    const single = new Float64Array(1);
    function profile(x) {
      const at = Surface.places(surface, [x]), prior = logMu(x);
      return scoutRows.map((row, k) => Surface.along(row, at, single)[0] + prior + scouts[k].log);
    }
    const memo = new Map();
    const at = (x) => {
      if (!memo.has(x)) memo.set(x, profile(x));
      return memo.get(x);
    };
    const middle = ([a, b]) => (a + b) / 2;
    let top = -Infinity;
    for (const panel of panels) top = Math.max(top, Math.max(...at(middle(panel))) + Math.log(panel[1] - panel[0]));
    for (let round = 0; round < 14; round++) {
      const next = [];
      let halved = false;
      for (const panel of panels) {
        const [a, b] = panel, m = middle(panel), width = Math.log(b - a);
        const low = at(a), centre = at(m), high = at(b);
        let rough = false, alive = false;
        for (let k = 0; k < scouts.length; k++) {
          const best = Math.max(low[k], centre[k], high[k]) + width;
          if (!(best > top - NEGLIGIBLE)) continue;
          alive = true;
          top = Math.max(top, centre[k] + width);
          const ends = [low[k], high[k]].map((v) => Math.max(v, top - width - NEGLIGIBLE - 20));
          rough ||= Math.abs(ends[0] + ends[1] - 2 * Math.max(centre[k], top - width - NEGLIGIBLE - 20)) > 3;
          rough ||= Math.abs(ends[0] - ends[1]) > 10;
        }
        if (!alive) continue;
        if (rough && b - a > 1e-9 * (Math.abs(a) + Math.abs(b))) {
          next.push([a, m], [m, b]);
          halved = true;
        } else next.push(panel);
      }
      panels = next;
      if (!halved) break;
    }
    return panels;
  }

  // Rows of the joint density at the nodes of panels in tau, halved until the marginal of tau is smooth on each.
  function tauRows(panels, logTau, jointRow, scouts, scoutRows) {
    const { nodes, legendre } = rule(ORDER);
    const evaluate = (panel) => {
      const [a, b] = panel, list = [];
      for (let j = 0; j < ORDER; j++) {
        const t = a + ((b - a) / 2) * (1 + nodes[j]);
        list.push(jointRow(t, logTau(t)));
      }
      return { panel, list, top: Math.max(...list.map((row) => row.top)) + Math.log(b - a) };
    };
    // Scouts say which panels cannot matter: the largest of a row bounds what it holds.
    const bound = scouts.map(({ log }, k) => log + Math.max(...scoutRows[k].values) + scoutRows[k].shift);
    const best = Math.max(...bound);
    let done = panels.filter((_, k) => bound[k] > best - NEGLIGIBLE - 30).map(evaluate);
    for (let round = 0; round < 8; round++) {
      const top = Math.max(...done.map((item) => item.top));
      done = done.filter((item) => item.top > top - NEGLIGIBLE);
      let largest = 0;
      const marginals = done.map(({ list }) => list.map((row) => sum(row.values, top)));
      marginals.forEach((values, i) => {
        const width = done[i].panel[1] - done[i].panel[0];
        values.forEach((value, j) => (largest = Math.max(largest, value * width), (values[j] = value * width)));
      });
      const next = [];
      let halved = false;
      done.forEach((item, i) => {
        const tail = [ORDER - 2, ORDER - 1].map((l) => Math.abs(legendre[l].reduce((s, c, j) => s + c * marginals[i][j], 0)));
        const [a, b] = item.panel;
        if (Math.max(...tail) > 1e-6 * largest && b - a > 1e-6 * b) {
          next.push(evaluate([a, (a + b) / 2]), evaluate([(a + b) / 2, b]));
          halved = true;
        } else next.push(item);
      });
      done = next;
      if (!halved) break;
    }
    return { panels: done.map((item) => item.panel), rows: done.flatMap((item) => item.list) };
  }

  // A rough size of a row: enough to see whether the marginal of tau is smooth.
  function sum(values, top) {
    let total = 0;
    for (let i = 0; i < values.length; i++) if (values[i] > top - 60) total += Math.exp(values[i] - top);
    return total;
  }

  // theta_new = mu + tau z: distribution function, quantiles, mean and SD.
  function predict(rows, total, muPanels, muNodes, muMarginal) {
    const { places, weights } = muNodes;
    if (muPanels !== null) {
      for (const row of rows) {
        row.own = null;
        row.below = new Float64Array(muPanels.length + 1);
        for (let p = 0, i = 0; p < muPanels.length; p++) {
          let mass = 0;
          for (let j = 0; j < ORDER; j++, i++) mass += weights[i] * row.values[i];
          row.below[p + 1] = row.below[p] + mass;
        }
      }
    }

    // P(theta_new <= x | tau) times the mass of the row, both unnormalised.
    function below(row, x) {
      if (muPanels === null) return row.values[0] * (row.tau > 0 ? normalCdf((x - places[0]) / row.tau) : x >= places[0] ? 1 : 0);
      const p = muMarginal.panelOf(x), [low, high] = muPanels[p];
      if (row.tau < 0.35 * (high - low)) {
        // The step at x is too steep for the nodes of its panel: integrate over z instead.
        row.own ||= Panelled.make(muPanels, ORDER, row.values);
        let sum = 0;
        for (let j = 0; j < HERMITE.nodes.length; j++) {
          sum += HERMITE.weights[j] * row.own.cdf(x - row.tau * HERMITE.nodes[j]);
        }
        return sum * row.own.total;
      }
      const first = muMarginal.panelOf(x - 8.5 * row.tau), last = muMarginal.panelOf(x + 8.5 * row.tau);
      let sum = row.below[first];
      for (let i = first * ORDER, end = (last + 1) * ORDER; i < end; i++) {
        sum += weights[i] * row.values[i] * normalCdf((x - places[i]) / row.tau);
      }
      return sum;
    }

    function cdf(x) {
      let sum = 0;
      for (const row of rows) sum += row.weight * below(row, x);
      return Math.min(1, Math.max(0, sum / total));
    }

    // The distribution function crosses q once: find a bracket around the quantile of mu, then the regula falsi of
    // Illinois.
    function quantile(q) {
      const typical = Math.sqrt(rows.reduce((s, row) => s + (row.mass / total) * Math.min(row.tau, 1e6) ** 2, 0));
      let low = muMarginal.quantile(q), high = low, step = 0.5 * typical + 1e-9;
      let f = cdf(low) - q, g = f;
      if (Math.abs(f) < 1e-12) return low;
      for (let i = 0; i < 200 && f > 0; i++, step *= 2) (high = low), (g = f), (low -= step), (f = cdf(low) - q);
      for (let i = 0; i < 200 && g < 0; i++, step *= 2) (low = high), (f = g), (high += step), (g = cdf(high) - q);
      for (let i = 0, side = 0; i < 80 && high - low > 1e-9 * (Math.abs(low) + Math.abs(high) + 1e-3); i++) {
        const x = i % 5 === 4 ? (low + high) / 2 : (low * g - high * f) / (g - f), value = cdf(x) - q;
        if (Math.abs(value) < 1e-11) return x;
        if (value < 0) {
          (low = x), (f = value);
          if (side === -1) g /= 2;
          side = -1;
        } else {
          (high = x), (g = value);
          if (side === 1) f /= 2;
          side = 1;
        }
      }
      return (low + high) / 2;
    }

    function densityAt(x) {
      let sum = 0;
      for (const row of rows) {
        if (row.mass < 1e-5 * total) continue;
        if (!(row.tau > 0)) continue;
        for (let i = 0; i < places.length; i++) {
          const z = (x - places[i]) / row.tau;
          if (z < 6 && z > -6) sum += (row.weight * weights[i] * row.values[i] * density(z)) / row.tau;
        }
      }
      return sum / total;
    }

    return { cdf, above: (x) => 1 - cdf(x), quantile, densityAt };
  }

  // Gauss-Hermite nodes and weights (for the standard normal), n points, by Newton's method.
  function hermite(n) {
    const nodes = [], weights = [];
    const at = (x) => {
      let a = 0, b = Math.PI ** -0.25;
      for (let k = 1; k <= n; k++) [a, b] = [b, x * Math.sqrt(2 / k) * b - Math.sqrt((k - 1) / k) * a];
      return { value: b, slope: Math.sqrt(2 * n) * a };
    };
    // Roots lie between sign changes of a fine grid.
    const edge = Math.sqrt(2 * n + 1);
    for (let x = -edge, step = edge / 400; x < edge; x += step) {
      if (at(x).value * at(x + step).value >= 0) continue;
      let root = x + step / 2;
      for (let i = 0; i < 50; i++) root -= at(root).value / at(root).slope;
      nodes.push(root * Math.SQRT2);
      weights.push(2 / at(root).slope ** 2 / Math.sqrt(Math.PI));
    }
    return { nodes, weights };
  }

  // What a reader is told of a quantity: the keys of the command's JSON.
  function summary(quantity, prob) {
    const low = quantity.quantile((1 - prob) / 2), high = quantity.quantile((1 + prob) / 2);
    return {
      mean: quantity.mean, sd: quantity.sd, median: quantity.quantile(0.5), ci: [low, high], prob,
      p_gt_0: quantity.above(0),
    };
  }

  return { integrate, summary, hermite };
})();
