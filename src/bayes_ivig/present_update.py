"""What added trials moved, for a reader at a terminal."""

from rich.console import Group, RenderableType
from rich.text import Text

from bayes_ivig.present import table
from bayes_ivig.update import Moved
from bayes_ivig.wording import listing, number, percent, probability, with_interval


def moved_view(moved: Moved) -> RenderableType:
    """One row a quantity: before, after, and the shift in earlier SDs."""
    rows = [
        (
            change.name,
            _text(change.before),
            _text(change.after),
            "" if change.shift is None else f"{change.shift:+.2f} SD",
        )
        for change in moved.changes
    ]
    title = f"What moved with {listing(moved.added)}"
    header = ("", f"before ({percent(moved.prob)} interval)", "after", "shift")
    return Group(table(title, header, rows), Text("Shift: of the median, in SDs of the earlier posterior."))


def _text(value: "tuple[float, float, float] | float | None") -> str:
    if isinstance(value, tuple):
        return with_interval(value[0], value[1:])
    return number(None) if value is None else probability(value)
