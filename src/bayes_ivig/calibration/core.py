"""The fingerprint of the numeric core: evidence of calibration is about this code and no other."""

import hashlib
import io
import tokenize
from pathlib import Path

CORE = ("quadrature", "profiles", "priors", "pooled", "nuts.py", "effects.py")
_LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER}
_BREAKS = {tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}


def core_hash(package: Path | None = None) -> str:
    """SHA-256 of every token of the numeric core; comments, docstrings, line breaks and blank lines do not count."""
    package = package or Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for name in CORE:
        place = package / name
        for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(f"{file.relative_to(package).as_posix()}\n".encode())
            digest.update("\n".join(_tokens(file.read_text("utf-8"))).encode())
    return digest.hexdigest()


def _tokens(source: str) -> list[str]:
    kept: list[str] = []
    fresh = True  # at the start of a statement, where a string alone is a docstring
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in _LAYOUT:
            continue
        if token.type in _BREAKS:
            docstring, fresh = fresh and token.type == tokenize.NEWLINE, True
            if docstring:
                continue
            # Indentation tells Python where a block ends, so it counts; its width does not.
            kept.append(tokenize.tok_name[token.type])
            continue
        if fresh and token.type == tokenize.STRING:
            continue  # still fresh: the line break that ends it is left out too
        fresh = False
        if token.string in ")]}" and kept and kept[-1] == ",":
            kept.pop()  # a trailing comma is layout too
        kept.append(token.string)
    return kept
