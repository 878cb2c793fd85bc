"""Bayesian re-analysis of small meta-analyses of trials."""

__version__ = "0.1.0"
