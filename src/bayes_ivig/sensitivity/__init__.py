"""What a conclusion depends on: priors, readings of the data, and every choice of the analysis at once."""

from bayes_ivig.sensitivity.bundle import Sensitivity, run_sensitivity

__all__ = ["Sensitivity", "run_sensitivity"]
