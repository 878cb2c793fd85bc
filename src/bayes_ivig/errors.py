"""What can go wrong, by exit code: 2 is the user's to mend, 3 a check that failed, 1 a bug."""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Bad usage or bad input (exit code 2): one sentence saying where, what was found, what is allowed."""

    exit_code = 2


class CheckFailedError(RuntimeError):
    """A computation finished but a check did not pass (exit code 3); results are written and labelled."""

    exit_code = 3


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the known word closest to `word`, or an empty string."""
    by_case = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(word.casefold(), by_case, n=1, cutoff=0.6)
    return f"; did you mean '{by_case[close[0]]}'?" if close else ""
