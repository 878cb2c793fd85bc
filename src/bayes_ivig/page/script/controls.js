// Sliders and fields of a prior: a family, and for each of its numbers a slider beside a field.

const Controls = (() => {
  "use strict";
  const WORDS = { m: "centre", s: "spread", df: "degrees of freedom", a: "a", b: "b", rate: "rate", shape: "shape", scale: "scale", x: "value" };
  const TAU_WORDS = { ...WORDS, s: "scale", m: "centre of log tau" };
  const WRITTEN = "written out";
  const COMMON = "none: one effect for all trials";

  // which: "mu" or "tau"; base: a scale of the outcome; changed(text or null) is told of every new valid prior.
  function make(which, families, base, changed) {
    const select = document.getElementById(`c-${which}-family`), box = document.getElementById(`c-${which}-parameters`);
    const words = which === "tau" ? TAU_WORDS : WORDS;
    let measure = "", kinds = families, start = base;
    select.addEventListener("change", () => {
      if (select.value === COMMON) return rebuild(null), changed(null);
      if (select.value === WRITTEN) return rebuildWritten(lastText), changed(lastText);
      const text = Priors.textOf([{ weight: 1, family: select.value, args: defaults(select.value) }]);
      rebuild(Priors.parse(text));
      changed(text);
    });
    let lastText = "";

    function defaults(family) {
      const s = start, simple = { m: 0, s, df: 4, a: -2 * s, b: 2 * s, rate: 1 / s, shape: 1, scale: s, x: 0 };
      if (family === "log-normal") return [Number(Math.log(s).toPrecision(3)), 1];
      if (family === "uniform" && which === "tau") return [0, 4 * s];
      if (family === "beta") return [1, 1];
      return Priors.FAMILIES[family].args.map((name) => simple[name]);
    }

    function show(text, outcome, scale) {
      measure = outcome.measure;
      start = scale;
      kinds = which === "mu" && measure === "rate" ? ["beta", "normal", "student-t"] : families;
      const options = [...kinds, ...(which === "tau" ? [COMMON] : []), WRITTEN];
      select.replaceChildren(...options.map((name) => new Option(name, name)));
      if (text === null) {
        select.value = COMMON;
        rebuild(null);
        return;
      }
      lastText = text;
      const prior = Priors.parse(text), single = prior.parts.length === 1 && kinds.includes(prior.parts[0].family);
      select.value = single ? prior.parts[0].family : WRITTEN;
      if (single) rebuild(prior); else rebuildWritten(text);
    }

    function rebuild(prior) {
      box.replaceChildren();
      if (!prior) return;
      const { family, args } = prior.parts[0], values = [...args];
      Priors.FAMILIES[family].args.forEach((name, i) => {
        const row = document.createElement("p"), id = `c-${which}-${name}`;
        const label = document.createElement("label"), slider = document.createElement("input"), field = document.createElement("input");
        label.htmlFor = id;
        label.textContent = words[name];
        slider.type = "range";
        slider.id = `${id}-slider`;
        slider.setAttribute("aria-label", `${words[name]}, slider`);
        const map = mapping(family, name, values[i]);
        [slider.min, slider.max, slider.step] = [0, 200, 1];
        slider.value = String(map.toSlider(values[i]));
        field.type = "number";
        field.id = id;
        field.step = "any";
        field.value = String(values[i]);
        const accept = (x, from) => {
          const next = [...values];
          next[i] = x;
          const text = Priors.textOf([{ weight: 1, family, args: next }]);
          const good = Number.isFinite(x) && State.prior(text, which, measure) !== null;
          field.setAttribute("aria-invalid", String(!good));
          if (!good) return;
          values[i] = x;
          if (from === slider) field.value = String(x); else slider.value = String(map.toSlider(x));
          lastText = Priors.parse(text).text;
          changed(lastText);
        };
        slider.addEventListener("input", () => accept(map.fromSlider(Number(slider.value)), slider));
        field.addEventListener("input", () => accept(field.value.trim() === "" ? NaN : Number(field.value), field));
        row.append(label, slider, field);
        box.append(row);
      });
    }

    function rebuildWritten(text) {
      const row = document.createElement("p"), label = document.createElement("label"), field = document.createElement("input");
      field.type = "text";
      field.id = `c-${which}-text`;
      field.value = text;
      field.spellcheck = false;
      label.htmlFor = field.id;
      label.textContent = "as on the command line";
      field.addEventListener("input", () => {
        const prior = State.prior(field.value, which, measure);
        field.setAttribute("aria-invalid", String(prior === null));
        if (prior) changed((lastText = prior.text));
      });
      row.append(label, field);
      box.replaceChildren(row);
    }

    // Slider positions 0 to 200: a centre goes evenly over four scales either way, what is positive by powers of ten.
    function mapping(family, name, value) {
      const signed = name === "m" || name === "x" || (family === "uniform" && !(which === "tau"));
      if (signed) {
        const reach = Math.max(4 * start, 2 * Math.abs(value));
        return {
          toSlider: (x) => Math.round(100 + (100 * x) / reach),
          fromSlider: (k) => Number((((k - 100) / 100) * reach).toPrecision(4)),
        };
      }
      const middle = value > 0 ? value : start;
      return {
        toSlider: (x) => (x > 0 ? Math.round(100 + 50 * Math.log10(x / middle)) : 0),
        fromSlider: (k) => (family === "uniform" && name === "a" && k === 0 ? 0 : Number((middle * 10 ** ((k - 100) / 50)).toPrecision(3))),
      };
    }

    return { show };
  }

  return { make };
})();
