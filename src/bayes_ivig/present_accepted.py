"""What `reproduce` prints: a table of what moved."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from bayes_ivig.accepted import Moved
from bayes_ivig.present import table

_MOST = 60


def moved_view(moved: Sequence[Moved], n_artefacts: int) -> RenderableType:
    """Every value that moved, the first 60 of them; or one line where nothing did."""
    if not moved:
        return Text(f"{n_artefacts} results made afresh: no difference.")
    rows = [(m.folder, m.file, m.where, _short(m.stored), _short(m.fresh), m.by) for m in moved[:_MOST]]
    parts: list[RenderableType] = [
        table("What moved", ("result", "file", "value", "stored", "now", "by"), rows, numeric_from=3)
    ]
    if len(moved) > _MOST:
        parts.append(Text(f"and {len(moved) - _MOST} more"))
    parts.append(Text(f"{n_artefacts} results made afresh: {len(moved)} differences."))
    return Group(*parts)


def _short(value: object) -> str:
    text = f"{value:.10g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
