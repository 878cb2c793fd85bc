"""The `commands` block: the reference of the commands, where it stands on a page."""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from reference import reference


class Commands(SphinxDirective):
    """Puts the reference on a page."""

    def run(self) -> list[nodes.Node]:
        """Parse the Markdown where the directive stands."""
        return self.parse_text_to_nodes(reference(), allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
