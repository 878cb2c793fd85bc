// The two figures that follow the settings, drawn as SVG by hand: densities and the forest plot.

const Draw = (() => {
  "use strict";
  const NS = "http://www.w3.org/2000/svg";

  function element(name, attributes, text) {
    const made = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
    if (text !== undefined) made.textContent = text;
    return made;
  }

  const fixed = (x) => x.toFixed(1);

  // About n round places between two ends, for ratios by 1, 2, 5 and powers of ten.
  function ticks(measure, low, high, n) {
    if (Absolute.isRatio(measure)) {
      const decades = (high - low) / Math.LN10, steps = decades > 8 ? [1] : decades > 3 ? [1] : [1, 2, 5];
      const skip = Math.max(1, Math.ceil(decades / n));
      const places = [];
      for (let e = Math.floor(low / Math.LN10); e <= Math.ceil(high / Math.LN10); e++) {
        if (e % skip) continue;
        for (const s of steps) {
          const x = Math.log(s) + e * Math.LN10;
          if (x >= low && x <= high) places.push([x, ratio(s * 10 ** e)]);
        }
      }
      if (places.length >= 2) return places;
    }
    const raw = (high - low) / n, power = 10 ** Math.floor(Math.log10(raw));
    const step = power * [1, 2, 5, 10].find((s) => s * power >= raw);
    const places = [];
    for (let i = Math.ceil(low / step); i * step <= high; i++) {
      const x = i * step, natural = Absolute.isRatio(measure) ? Math.exp(x) : x;
      places.push([x, Absolute.isRatio(measure) ? ratio(natural) : String(Number(natural.toPrecision(6)))]);
    }
    return places;
  }

  function ratio(x) {
    if (x >= 1e3 && x < 1e6) return Number(x.toPrecision(2)).toLocaleString("en-US");
    if (x >= 1e6 || x < 1e-3) return Number(x.toPrecision(1)).toExponential(0);
    return String(Number(x.toPrecision(2)));
  }

  function axis(svg, scale, places, y, title) {
    svg.append(element("line", { class: "axis", x1: fixed(scale.left), x2: fixed(scale.right), y1: y, y2: y }));
    for (const [x, label] of places) {
      const at = fixed(scale.of(x));
      svg.append(element("line", { class: "axis", x1: at, x2: at, y1: y, y2: y + 4 }));
      svg.append(element("text", { class: "small middle", x: at, y: y + 16 }, label));
    }
    svg.append(element("text", { class: "small middle", x: (scale.left + scale.right) / 2, y: y + 32 }, title));
  }

  function scaleOf(low, high, left, right) {
    const of = (x) => left + ((Math.min(high, Math.max(low, x)) - low) / (high - low)) * (right - left);
    return { low, high, left, right, of };
  }

  // Prior (dashed) and posterior (solid, interval shaded) of mu on the axis of the analysis scale.
  function density(svg, outcome, posterior, priorLog, summary, threshold) {
    svg.replaceChildren();
    const spread = posterior.mu.quantile(0.999) - posterior.mu.quantile(0.001) || 1;
    const middle = summary.median, low = Math.min(middle - 0.75 * spread, 0), high = Math.max(middle + 0.75 * spread, 0);
    const scale = scaleOf(low, high, 20, 620), base = 170, top = 14;
    const atScale = Draw.ticks(outcome.measure === "rate" ? "" : outcome.measure, low, high, 8);
    const places = outcome.measure === "rate" ? rateTicks(low, high) : atScale;
    const n = 160, xs = Array.from({ length: n + 1 }, (_, i) => low + ((high - low) * i) / n);
    const { panels, order, values, total } = posterior.mu;
    const at = panels.length ? Panelled.interpolator(panels, order, values) : null;
    const curve = at ? xs.map((x) => Math.max(0, at(x)) / total) : null;
    const prior = xs.map((x) => Math.exp(priorLog(x)));
    const peak = curve ? Math.max(...curve) : 1, most = Math.max(peak, Math.min(Math.max(...prior.filter(Number.isFinite)), 2 * peak)) || 1;
    const y = (d) => base - (Math.min(d, 1.02 * most) / most) * (base - top);
    const path = (ds) => ds.map((d, i) => `${i ? "L" : "M"}${fixed(scale.of(xs[i]))} ${fixed(y(d))}`).join("");
    if (curve) {
      const inside = xs.map((x, i) => [x, curve[i]]).filter(([x]) => x >= summary.ci[0] && x <= summary.ci[1]);
      if (inside.length > 1) {
        const line = inside.map(([x, d]) => `L${fixed(scale.of(x))} ${fixed(y(d))}`).join("");
        const ends = [inside[0][0], inside[inside.length - 1][0]].map((x) => fixed(scale.of(x)));
        svg.append(element("path", { class: "shaded", d: `M${ends[0]} ${base}${line}L${ends[1]} ${base}Z` }));
      }
    }
    if (outcome.measure !== "rate") vertical(svg, scale, 0, "null", top, base);
    if (Number.isFinite(threshold)) vertical(svg, scale, threshold, "threshold", top, base);
    svg.append(element("path", { class: "prior", d: path(prior.map((d) => (Number.isFinite(d) ? d : most))) }));
    if (curve) svg.append(element("path", { class: "posterior", d: path(curve) }));
    else vertical(svg, scale, summary.median, "shrunk", top, base);
    axis(svg, scale, places, base, `Average effect: ${outcome.name}`);
  }

  function rateTicks(low, high) {
    const all = [0.0001, 0.001, 0.01, 0.05, 0.1, 0.2, 0.5, 0.8, 0.9, 0.99];
    return all.map((p) => [Numerics.logit(p), String(p)]).filter(([x]) => x >= low && x <= high);
  }

  function vertical(svg, scale, x, name, top, base) {
    if (x < scale.low || x > scale.high) return;
    const at = fixed(scale.of(x));
    svg.append(element("line", { class: name, x1: at, x2: at, y1: top, y2: base }));
  }

  // Rows: {name, raw: [point, low, high] or null, shrunk: the same or null}; then the average and the next trial.
  function forest(svg, outcome, rows, mu, next) {
    svg.replaceChildren();
    const height = 26 * (rows.length + (next ? 2 : 1)) + 52;
    svg.setAttribute("viewBox", `0 0 640 ${height}`);
    const shown = [mu, ...(next ? [next] : []), ...rows.map((row) => row.shrunk).filter(Boolean)];
    const points = rows.map((row) => row.raw && row.raw[0]).filter((x) => Number.isFinite(x));
    let low = Math.min(0, ...points, ...shown.map((s) => s[1])), high = Math.max(0, ...points, ...shown.map((s) => s[2]));
    if (outcome.measure === "rate") [low, high] = [Math.min(...shown.map((s) => s[1])), Math.max(...shown.map((s) => s[2]))];
    const pad = 0.05 * (high - low) || 0.5, scale = scaleOf(low - pad, high + pad, 150, 470), base = height - 40;
    if (outcome.measure !== "rate") vertical(svg, scale, 0, "null", 4, base);
    const text = (s) => Words.withInterval(...s.map((x) => Absolute.toNatural(outcome.measure, x)));
    let y = 16;
    for (const row of rows) {
      label(svg, row.name, y);
      if (row.raw) bar(svg, scale, row.raw, y - 4, "raw", "square");
      if (row.shrunk) {
        bar(svg, scale, row.shrunk, y + 4, "shrunk", "dot");
        svg.append(element("text", { class: "small", x: 480, y: y + 4 }, text(row.shrunk)));
      }
      y += 26;
    }
    label(svg, "Average trial", y);
    const [m, l, h] = mu.map((x) => fixed(scale.of(x)));
    svg.append(element("path", { class: "shrunk", d: `M${l} ${y}L${m} ${y - 6}L${h} ${y}L${m} ${y + 6}Z` }));
    svg.append(element("text", { class: "small", x: 480, y: y + 4 }, text(mu)));
    if (next) {
      y += 26;
      label(svg, "Next trial", y);
      const [, a, b] = next.map((x) => fixed(scale.of(x)));
      svg.append(element("line", { class: "thick", x1: a, x2: b, y1: y, y2: y }));
      svg.append(element("text", { class: "small", x: 480, y: y + 4 }, text(next)));
    }
    const places = outcome.measure === "rate" ? rateTicks(scale.low, scale.high) : ticks(outcome.measure, scale.low, scale.high, 5);
    axis(svg, scale, places, base, outcome.name);
  }

  function label(svg, name, y) {
    const short = name.length > 24 ? `${name.slice(0, 23)}…` : name;
    const text = element("text", { class: "label", x: 4, y: y + 4, direction: "ltr", "unicode-bidi": "isolate" }, short);
    svg.append(text);
  }

  function bar(svg, scale, [point, low, high], y, name, mark) {
    const ends = [low, high].map((x) => fixed(scale.of(Number.isFinite(x) ? x : x > 0 ? scale.high : scale.low)));
    svg.append(element("line", { class: name, x1: ends[0], x2: ends[1], y1: y, y2: y }));
    if (!Number.isFinite(point)) return;
    const x = scale.of(point);
    if (mark === "dot") svg.append(element("circle", { class: name, cx: fixed(x), cy: y, r: 3.5 }));
    else svg.append(element("rect", { class: name, x: fixed(x - 3), y: y - 3, width: 6, height: 6 }));
  }

  // 100 small people: the first of them affected.
  function people(box, label, count, event) {
    const affected = Math.min(100, Math.max(0, Math.round(count))), figure = document.createElement("figure");
    const circles = (from, to) => {
      let d = "";
      for (let i = from; i < to; i++) d += `M${10 * (i % 10) + 2} ${10 * Math.floor(i / 10) + 5}a3 3 0 1 0 6 0a3 3 0 1 0-6 0`;
      return d;
    };
    const svg = element("svg", { viewBox: "0 0 100 100", role: "img", "aria-label": `${affected} of 100 patients ${label}: ${event}` });
    svg.append(element("path", { class: "affected", d: circles(0, affected) }), element("path", { class: "others", d: circles(affected, 100) }));
    const caption = document.createElement("figcaption"), strong = document.createElement("strong"), name = document.createElement("bdi");
    strong.textContent = String(affected);
    name.textContent = label;
    caption.append(strong, " of 100 ", name);
    figure.append(svg, caption);
    box.append(figure);
  }

  return { density, forest, people, ticks };
})();
