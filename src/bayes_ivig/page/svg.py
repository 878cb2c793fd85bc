"""Figures as they can stand in a page: only known elements, ids of their own, no inline style, short numbers.

The page's content security policy forbids style attributes, so what matplotlib writes there becomes attributes.
"""

import re
import xml.etree.ElementTree as ET

_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_ELEMENTS = {
    "svg",
    "g",
    "defs",
    "path",
    "text",
    "tspan",
    "rect",
    "circle",
    "line",
    "polyline",
    "polygon",
    "use",
    "clipPath",
}
_NUMBER = re.compile(r"-?\d+\.\d{2,}")
_FONT = re.compile(r"^\s*(?:(italic|oblique)\s+)?(?:(bold|\d{3})\s+)?([\d.]+)px\s+(.*)$")
_DROPPED = {"stroke-miterlimit", "-inkscape-font-specification"}


def inline(svg: str, prefix: str) -> str:
    """Return a figure's SVG for an HTML page, every id beginning with `prefix`; what is not drawing is left out."""
    root = ET.fromstring(svg.encode("utf-8"))
    made = _clean(root, prefix)
    if made is None:
        raise ValueError(f"{prefix}: not an SVG figure")
    made.attrib.pop("height", None)
    made.attrib.pop("width", None)
    made.set("stroke-linejoin", "round")
    made.set("stroke-linecap", "butt")
    made.set("focusable", "false")
    made.set("aria-hidden", "true")  # the figure's own text says it in words
    return ET.tostring(made, encoding="unicode", short_empty_elements=True)


def _clean(element: ET.Element, prefix: str) -> ET.Element | None:
    if not isinstance(element.tag, str):
        return None
    name = element.tag.removeprefix(f"{{{_SVG}}}")
    if name not in _ELEMENTS:
        return None
    made = ET.Element(name)
    if name == "svg":
        made.set("xmlns", _SVG)
    for key, value in element.attrib.items():
        _copy(made, key, value, prefix)
    made.text = element.text if name in ("text", "tspan") else None
    for child in element:
        kept = _clean(child, prefix)
        if kept is not None:
            kept.tail = child.tail if name in ("text", "tspan") else None
            made.append(kept)
    return made


def _copy(made: ET.Element, key: str, value: str, prefix: str) -> None:
    key = key.removeprefix(f"{{{_XLINK}}}")
    if key == "style":
        for pair in value.split(";"):
            name, _, text = pair.partition(":")
            _declare(made, name.strip(), text.strip(), prefix)
    elif key == "id":
        made.set("id", f"{prefix}-{_name(value)}")
    elif key == "href":
        if value.startswith("#"):
            made.set("href", f"#{prefix}-{_name(value[1:])}")
    elif key == "d":
        made.set("d", _path(_short(value)))
    elif not key.startswith(("on", "{")) and key != "version":
        made.set(key, _short(_refer(value, prefix)))


def _declare(made: ET.Element, name: str, text: str, prefix: str) -> None:
    if name == "font" and (font := _FONT.match(text)):
        slant, weight, size, family = font.groups()
        made.set("font-size", size)
        made.set("font-family", family.strip().strip("'").split(",")[0].strip("'") + ", sans-serif")
        if weight:
            made.set("font-weight", weight)
        if slant:
            made.set("font-style", slant)
    elif name and name not in _DROPPED and re.fullmatch(r"[a-z-]+", name):
        made.set(name, _short(_refer(text, prefix)))


def _refer(value: str, prefix: str) -> str:
    return re.sub(r"url\(#([^)]*)\)", lambda found: f"url(#{prefix}-{_name(found[1])})", value)


def _name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", text)


def _short(value: str) -> str:
    """A tenth of a point is finer than the eye; a newline is a space."""
    shorter = _NUMBER.sub(lambda found: f"{float(found[0]):.1f}".removesuffix(".0"), value)
    return " ".join(shorter.split())


def _path(d: str) -> str:
    """Write a path of straight lines by its steps, in tenths, which is half as long; any other path stays."""
    words = re.findall(r"[A-Za-z]|-?[\d.]+", d)
    if not words or set(filter(str.isalpha, words)) - {"M", "L", "z"}:
        return d
    parts: list[str] = []
    x = y = i = 0
    command = last = ""
    while i < len(words):
        if words[i].isalpha():
            command = words[i]
            i += 1
            if command == "z":
                parts.append("z")
                last = ""
            continue
        to_x, to_y = round(10 * float(words[i])), round(10 * float(words[i + 1]))
        i += 2
        if command == "M":
            parts.append(f"M{_tenths(to_x)} {_tenths(to_y)}")
            command, last = "L", ""
        else:
            step = f"{_tenths(to_x - x)} {_tenths(to_y - y)}".replace(" -", "-")
            parts.append(f"l{step}" if last != "l" else step if step[0] == "-" else f" {step}")
            last = "l"
        x, y = to_x, to_y
    return "".join(parts)


def _tenths(n: int) -> str:
    whole, rest = divmod(abs(n), 10)
    text = f"{whole or ''}.{rest}" if rest else str(whole)
    return f"-{text}" if n < 0 else text
