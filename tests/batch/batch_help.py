"""Reviews for the batch tests: synthetic ones, and some of them spoilt."""

import csv
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from synthetic_reviews import HEADER, synthetic_rows, write_reviews

__all__ = ["good_and_bad", "reviews_in", "table_of", "write_reviews"]


def spoil(rows: list[list[str]], how: int) -> None:
    """Make a review's rows what no trial can be, in one of several ways."""
    first = rows[0]
    if how == 0:
        first[2] = str(int(first[3]) + 1)
    elif how == 1:
        first[4] = "three"
    elif how == 2:
        first[1] = ""
    elif how == 3:
        rows[1][1] = first[1]
    elif how == 4:
        first.append("7")
    else:
        first[3] = "-5"


def good_and_bad(path: Path, reviews: int, every: int) -> tuple[list[str], list[str]]:
    """Write so many reviews, every so manieth of them spoilt; return the names of both."""
    by_review: dict[str, list[list[str]]] = {}
    for row in synthetic_rows(reviews):
        by_review.setdefault(row[0], []).append([str(cell) for cell in row])
    bad = list(by_review)[every - 1 :: every]
    for i, name in enumerate(bad):
        spoil(by_review[name], i % 6)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(row for rows in by_review.values() for row in rows)
    return [name for name in by_review if name not in bad], bad


def reviews_in(path: Path) -> list[str]:
    with path.open(encoding="utf-8") as file:
        return list(dict.fromkeys(row["review"] for row in csv.DictReader(file)))


def table_of(path: Path) -> list[dict]:
    import pyarrow.parquet as pq

    return pq.read_table(path).to_pylist()
