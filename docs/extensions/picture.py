"""Diagrams in Mermaid's language become SVG when the site is built; GitHub draws the same text itself."""

from typing import Any, ClassVar

import mmdr
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class Mermaid(SphinxDirective):
    """A ```mermaid block; `:alt:` says in words what it shows."""

    has_content = True
    option_spec: ClassVar = {"alt": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        """Draw the diagram."""
        svg = mmdr.render("\n".join(self.content)).svg()
        return [nodes.raw("", f'<div class="diagram">{svg}</div>', format="html")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("mermaid", Mermaid)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
