"""The page as one HTML file: template, style and script inline, nothing from outside.

The content security policy allows the page's own script and style by their hashes and nothing else; the data stands
in a script element that is no script, its `<` escaped, so that no text can end it.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

from bayes_ivig import __version__
from bayes_ivig.page.live import payload
from bayes_ivig.page.report import Report
from bayes_ivig.page.svg import inline
from bayes_ivig.store import finite

SCRIPTS = (
    "numerics",
    "priors",
    "surface",
    "panelled",
    "posterior",
    "studies",
    "absolute",
    "words",
    "draw",
    "state",
    "controls",
    "page",
)
# Characters that steer the direction of what follows, and controls: they are not part of any name.
_STEERING = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c\ufffe\uffff]|[\ud800-\udfff]"
)


def to_html(report: Report) -> str:
    """Write the page."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("bayes_ivig.page", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["plain"] = plain
    environment.filters["figure"] = inline
    environment.filters["people"] = people_paths
    environment.tests["block"] = lambda block, name: type(block).__name__ == name
    style, script = _file("template", "page.css"), _script()
    return environment.get_template("page.html.j2").render(
        report=report,
        sections=report.sections(),
        version=__version__,
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
        data=json_for_script(payload(report)),
    )


def plain(text: str) -> str:
    """Return a text without characters that steer its neighbours; markup in it is escaped by the template."""
    return _STEERING.sub("", str(text))


def json_for_script(value: Mapping[str, Any]) -> str:
    """Return JSON that no text inside can turn into markup: `<`, `>` and `&` are written as escapes."""
    text = json.dumps(finite(value), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def people_paths(count: float) -> dict[str, str]:
    """Two paths of 100 small circles in rows of ten: the first `count` of them, and the others."""
    affected = min(100, max(0, round(count)))

    def circles(numbers: range) -> str:
        return "".join(f"M{10 * (i % 10) + 2} {10 * (i // 10) + 5}a3 3 0 1 0 6 0a3 3 0 1 0-6 0" for i in numbers)

    return {"affected": circles(range(affected)), "others": circles(range(affected, 100)), "count": str(affected)}


@lru_cache(maxsize=1)
def _script() -> str:
    """All scripts as one, in a scope of their own."""
    return "(() => {\n" + "\n".join(_file("script", f"{name}.js") for name in SCRIPTS) + "\n})();\n"


def _file(folder: str, name: str) -> str:
    return (resources.files("bayes_ivig.page") / folder / name).read_text("utf-8")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"
