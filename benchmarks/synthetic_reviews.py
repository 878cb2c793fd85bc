"""Synthetic two-arm reviews in one long table, seeded: 2 to 12 trials each, rare events, many zero cells.

    python benchmarks/synthetic_reviews.py 10000 reviews.csv

Average log odds ratio N(0, 0.5), heterogeneity half-normal(0.4), control risks around 10% (SD 1.2 on the logit between
reviews, 0.6 between trials), arms log-normal with median 49 patients (5 to 2,000). No number is of a real trial.
"""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

HEADER = ("review", "study", "events_t", "n_t", "events_c", "n_c")


def synthetic_rows(reviews: int, seed: int = 20070315) -> Iterator[tuple[str, str, int, int, int, int]]:
    """Yield the rows of so many reviews."""
    rng = np.random.default_rng(seed)
    for review in range(reviews):
        mu, tau, base = rng.normal(0, 0.5), abs(rng.normal(0, 0.4)), rng.normal(-2.2, 1.2)
        for study in range(int(rng.integers(2, 13))):
            n_t = int(np.clip(np.exp(rng.normal(3.9, 0.9)), 5, 2000))
            n_c = max(5, int(n_t * rng.uniform(0.7, 1.3)))
            theta, g = rng.normal(mu, tau), base + rng.normal(0, 0.6)
            p_t, p_c = 1 / (1 + np.exp(-g - theta / 2)), 1 / (1 + np.exp(-g + theta / 2))
            yield f"r{review:05d}", f"s{study}", int(rng.binomial(n_t, p_t)), n_t, int(rng.binomial(n_c, p_c)), n_c


def write_reviews(path: Path, reviews: int, seed: int = 20070315) -> None:
    """Write them as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(synthetic_rows(reviews, seed))


if __name__ == "__main__":
    write_reviews(Path(sys.argv[2]), int(sys.argv[1]))
