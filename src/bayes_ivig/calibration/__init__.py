"""Proof that the program recovers the truth it was given: simulation-based calibration, and coverage of intervals."""

from bayes_ivig.calibration.core import core_hash
from bayes_ivig.calibration.evidence import Evidence, calibrate, load_calibration

__all__ = ["Evidence", "calibrate", "core_hash", "load_calibration"]
