"""The site loads nothing from the network when it is read: checked in every page when it has been built."""

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

LOADED = re.compile(r"<(?:script|img|iframe|source|link)\b[^>]*(?:src|href)=[\"'](?:https?:)?//[^>]*>", re.IGNORECASE)
IMPORTED = re.compile(r"(?:@import\s+|url\()[\"']?(?:https?:)?//")


def check(app: Sphinx, failure: Exception | None) -> None:
    """Refuse a site that would load something.

    Raises
    ------
    ExtensionError
        Names the first file, and what it would load.
    """
    if failure or app.builder.format != "html":
        return
    for pattern, ending in ((LOADED, "*.html"), (IMPORTED, "*.css")):
        for path in sorted(Path(app.outdir).rglob(ending)):
            if found := pattern.search(path.read_text("utf-8")):
                raise ExtensionError(f"{path.name} would load from the network: {found[0]}")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the check."""
    app.connect("build-finished", check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
