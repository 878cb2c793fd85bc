"""What a conclusion depends on: priors, readings of the data, and every choice of the analysis at once."""
