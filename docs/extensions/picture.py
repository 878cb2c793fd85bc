"""Diagrams in Mermaid's language become SVG when the site is built; GitHub draws the same text itself."""

from typing import Any

import mmdr
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class Mermaid(SphinxDirective):
    """A ```mermaid block; the text in the picture stays text."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Draw the diagram."""
        svg = mmdr.render("\n".join(self.content)).svg()
        return [nodes.raw("", f'<div class="diagram">{svg}</div>', format="html")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("mermaid", Mermaid)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
