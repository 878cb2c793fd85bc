// The effect of each trial under these priors.

const Studies = (() => {
  "use strict";

  function shrink() {
    return [];
  }

  return { shrink };
})();
