"""Thousands of meta-analyses in one run: a stream of reviews, cut into chunks, each chunk a part on disk.

A part is named by what it was computed from, so that a run that was interrupted goes on where it stopped, and results
do not depend on how many workers there were. `settings` says what is asked, `inputs` finds the reviews, `work` answers
a chunk of them, `processes` and `cluster` run chunks elsewhere, `parts` keeps them, `run` is the loop over all.
"""

from bayes_ivig.batch.run import Outcome, run_batch
from bayes_ivig.batch.settings import Settings

__all__ = ["Outcome", "Settings", "run_batch"]
