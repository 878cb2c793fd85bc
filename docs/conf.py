"""How Sphinx builds the site: `./task docs`, without the network, into build/site/."""

import logging
import sys
from pathlib import Path

import a11y_pygments  # noqa: F401  (of the theme; it makes every library talk, so it is loaded first and hushed)

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

from bayes_ivig import __version__

logging.getLogger().handlers.clear()
logging.getLogger().setLevel(logging.WARNING)

project = "bayes-ivig"
author = "The bayes-ivig maintainers"
copyright = "The bayes-ivig maintainers; MIT licence"
release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "commands",
    "mathml",
    "offline",
    "picture",
    "run",
]
exclude_patterns = ["made", "extensions", "*.template.md"]

myst_enable_extensions = ["dollarmath", "attrs_inline"]
myst_fence_as_directive = ["mermaid"]
myst_heading_anchors = 3
html_math_renderer = "mathml"

napoleon_use_rtype = False  # names of what is returned are not types
default_role = "code"  # `name` in a docstring is code
add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_preserve_defaults = True
python_display_short_literal_types = True

smartquotes = False  # a prior copied from a page has to work in a shell

html_theme = "furo"
html_title = f"bayes-ivig {release}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False


def setup(app: Sphinx) -> None:
    """Settle what no option of Sphinx does."""
    app.add_lexer("csv", TextLexer)
    # findings.md and calibration/ are made by the program and may not be there yet; Sphinx gives this warning no type,
    # so that suppress_warnings cannot name it.
    logging.getLogger("sphinx.sphinx.directives.other").addFilter(
        lambda record: getattr(record, "subtype", None) != "empty_glob"
    )
