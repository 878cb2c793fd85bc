// Numbers as the printed report has them: wording.py in the reader's browser.

const Words = (() => {
  "use strict";

  function number(x) {
    if (x === null || Number.isNaN(x)) return "-";
    if (!Number.isFinite(x)) return x > 0 ? "infinity" : "-infinity";
    if (x === 0) return "0";
    const size = Math.abs(x);
    if (size < 1e-3 || size >= 1e6) return Number(x.toPrecision(2)).toExponential(1);
    const rounded = Number(x.toPrecision(3));
    const decimals = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(rounded))));
    return rounded.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  }

  const interval = (low, high) => `${number(low)} to ${number(high)}`;
  const withInterval = (value, low, high) => `${number(value)} (${interval(low, high)})`;

  function probability(p) {
    if (p === null || Number.isNaN(p)) return "-";
    if (p > 0.999) return "above 0.999";
    if (p < 0.001) return "below 0.001";
    return p.toFixed(3);
  }

  const percent = (prob) => `${Number((100 * prob).toPrecision(6))}%`;

  function people(x) {
    if (x > 0 && x < 0.5) return "fewer than 1";
    if (x > 99.5 && x < 100) return "more than 99";
    return x.toFixed(0);
  }

  // Quoted for a POSIX shell, as Python's shlex.quote.
  function quote(word) {
    return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
  }

  return { number, interval, withInterval, probability, percent, people, quote };
})();
