"""Text to prior: ``parse_prior("half-normal(0.5)")``.

Grammar (case-insensitive, spaces free; read by recursive descent, never evaluated):

    prior   = term { "+" term }             two terms or more make a mixture; its weights sum to 1
    term    = [ number "*" ] density
    density = name "(" number { "," number } ")"
"""

import math
import re
from collections import deque

from bayes_ivig.errors import InputError
from bayes_ivig.priors.families import FAMILIES
from bayes_ivig.priors.prior import Prior, unknown_prior

_EXAMPLE = "write a prior such as half-normal(0.5)"
LONGEST_TEXT = 1_000  # characters
_ELICITED = ("sceptical", "enthusiastic")


def _elicited(family: str, theta_A: float) -> Prior:
    """Sceptical: P(mu beyond theta_A) = 5%. Enthusiastic: P(mu on the wrong side of 0) = 5%.

    Spiegelhalter, Freedman and Parmar, J R Stat Soc A 1994;157:357-416.
    """
    if theta_A == 0 or not math.isfinite(theta_A):
        raise InputError(f"{family}(theta_A): theta_A = {theta_A:g} is not allowed; it is the alternative, not 0")
    return Prior("normal", (0.0 if family == "sceptical" else theta_A, abs(theta_A) / 1.645))


_TOKEN = re.compile(r"\s*((?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|[a-z_][a-z0-9_.-]*|[-+*(),])")


def parse_prior(text: str, *, where: str = "prior") -> Prior:
    """Read the text form of a prior; `where` names the option or key in the error.

    ``sceptical(theta_A)`` and ``enthusiastic(theta_A)`` are read as the normal priors they stand for, with
    theta_A the alternative on the analysis scale. Raises InputError.
    """
    try:
        return _parse_prior(_tokens(text))
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _tokens(text: str) -> deque[str]:
    if len(text) > LONGEST_TEXT:
        raise InputError(f"a prior has at most {LONGEST_TEXT} characters, not {len(text)}")
    text, tokens, position = text.lower().rstrip(), deque[str](), 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise InputError(f"cannot read {text[position:][:40]!r}; {_EXAMPLE}")
        tokens.append(match[1])
        position = match.end()
    return tokens


def _found(tokens: deque[str]) -> str:
    return repr(tokens[0]) if tokens else "the end"


def _is_number(tokens: deque[str]) -> bool:
    return bool(tokens) and tokens[0][0] in ".0123456789"


def _take(tokens: deque[str], allowed: str) -> str:
    if not tokens or tokens[0] not in allowed:
        raise InputError(f"expected {' or '.join(map(repr, allowed))}, found {_found(tokens)}; {_EXAMPLE}")
    return tokens.popleft()


def _parse_prior(tokens: deque[str]) -> Prior:
    terms = [_parse_term(tokens)]
    while tokens:
        _take(tokens, "+")
        terms.append(_parse_term(tokens))
    if len(terms) == 1 and terms[0][0] == 1:
        return terms[0][1]
    weights, components = zip(*terms, strict=True)
    return Prior("mixture", weights=weights, components=components)


def _parse_term(tokens: deque[str]) -> tuple[float, Prior]:
    if not _is_number(tokens):
        return 1.0, _parse_density(tokens)
    weight = float(tokens.popleft())
    _take(tokens, "*")
    return weight, _parse_density(tokens)


def _parse_density(tokens: deque[str]) -> Prior:
    family = tokens.popleft() if tokens else ""
    if family not in FAMILIES and family not in _ELICITED:
        raise InputError(unknown_prior(family, [*FAMILIES, *_ELICITED]))
    _take(tokens, "(")
    args = [_parse_number(tokens)]
    while _take(tokens, ",)") == ",":
        args.append(_parse_number(tokens))
    if family not in _ELICITED:
        return Prior(family, tuple(args))
    if len(args) != 1:
        raise InputError(f"{family} has {len(args)} numbers; write {family}(theta_A)")
    return _elicited(family, args[0])


def _parse_number(tokens: deque[str]) -> float:
    sign = -1.0 if tokens and tokens[0] == "-" else 1.0
    if tokens and tokens[0] in "+-":
        tokens.popleft()
    if not _is_number(tokens) or not math.isfinite(float(tokens[0])):
        raise InputError(f"expected a finite number, found {_found(tokens)}; {_EXAMPLE}")
    return sign * float(tokens.popleft()) + 0.0  # no negative zero
