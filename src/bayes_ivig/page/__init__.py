"""The review page: one file in which a reader checks the analysis and moves the priors."""
