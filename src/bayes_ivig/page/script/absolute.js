// Effects on the natural scale, and in people at a control risk.

const Absolute = (() => {
  "use strict";
  const { expit, logit } = Numerics;
  const isRatio = (measure) => measure === "OR" || measure === "RR";

  function toNatural(measure, x) {
    if (isRatio(measure)) return Math.exp(x);
    return measure === "rate" ? expit(x) : x;
  }

  // The effect on the analysis scale; NaN where the natural value is impossible.
  function fromNatural(measure, x) {
    if (isRatio(measure)) return x > 0 ? Math.log(x) : NaN;
    if (measure === "rate") return x > 0 && x < 1 ? logit(x) : NaN;
    return x;
  }

  // The treated risk at a control risk; it rises with the effect, so quantiles go straight through.
  function treatedRisk(measure, risk, effect) {
    return measure === "OR" ? expit(logit(risk) + effect) : Math.min(1, risk * Math.exp(effect));
  }

  // Median and limits per 100: treated, and the difference from the control risk.
  function per100(measure, risk, summary) {
    const values = [summary.median, ...summary.ci].map((x) => 100 * treatedRisk(measure, risk, x));
    return { treated: values, difference: values.map((x) => x - 100 * risk) };
  }

  return { isRatio, toNatural, fromNatural, treatedRisk, per100 };
})();
