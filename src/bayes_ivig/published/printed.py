"""A printed result as a value: its numbers stay text, so that they keep their decimals."""

import math
import re
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal, InvalidOperation

from bayes_ivig.errors import InputError, nearest
from bayes_ivig.tabular import shown

MEASURES = ("RR", "OR", "RD", "SMD", "MD", "percent", "per-100", "NNT", "participants", "count", "p")
EXPECTED = ("reproduced", "irreproducible", "consistent", "unknown")
POOLED = ("RR", "OR", "RD", "SMD", "MD")
ARMS = ("t", "c", "difference")
SPREADS = ("SD", "SE", "unnamed")
_P = re.compile(r"\s*([<>=]?)\s*(\d*\.?\d+(?:[eE]-?\d\d?)?)\s*")
_LONGEST = 30  # characters, and decimal places, of a printed number
_WIDE = Context(prec=400)  # holds any finite float to any printed decimal


_NUMBERS = ("mean_t", "spread_t", "mean_c", "spread_c")
_COUNTS = ("participants", "events_t", "n_t", "events_c", "n_c")


@dataclass(frozen=True)
class Published:
    """A printed result: its numbers are text, so that they keep their decimals.

    What was printed: `estimate` and `ci` in units of `measure` (a limit that is not known is ''), the `p` beside
    them ('0.021', '<0.001'), the `method` in the source's words, the number of `participants` and, where more
    than the trials at hand are meant, the names of the `trials` counted; the totals `events_t`, `n_t`,
    `events_c`, `n_c` behind it; and the arms of one comparison of means, `mean_t`, `spread_t`, `mean_c`,
    `spread_c`, where `spread` says what follows the plus-minus sign.

    What it rests on: `inverted` results are printed as control over (or minus) treatment; `studies` names the
    trials (None: all), `reading` an alternative reading of the data, `claims` the reading that the source says
    it used, `kind` the kind of data where an outcome has several, `arm` ('t', 'c' or their 'difference') the
    arm of a percentage or a count. `same_as` is the id of another result that gives the same quantity.
    `expected` is what this project expects, and `reason` says why a result that cannot be reproduced cannot.
    Raises InputError for values it does not know.
    """

    id: str
    label: str
    measure: str
    expected: str
    estimate: str | None = None
    ci: tuple[str, str] | None = None
    inverted: bool = False
    studies: tuple[str, ...] | None = None
    arm: str | None = None
    reading: str | None = None
    kind: str | None = None
    source: str = ""
    note: str = ""
    reason: str = ""
    p: str | None = None
    method: str = ""
    participants: str | None = None
    trials: tuple[str, ...] | None = None
    events_t: str | None = None
    n_t: str | None = None
    events_c: str | None = None
    n_c: str | None = None
    mean_t: str | None = None
    spread_t: str | None = None
    mean_c: str | None = None
    spread_c: str | None = None
    spread: str | None = None
    claims: str | None = None
    same_as: str | None = None

    def __post_init__(self) -> None:
        """Check the words against those allowed, and that the numbers are numbers."""
        for field, value, allowed in (
            ("measure", self.measure, MEASURES),
            ("expected", self.expected, EXPECTED),
            ("arm", self.arm, (*ARMS, None)),
            ("spread", self.spread, (*SPREADS, None)),
        ):
            if value not in allowed:
                words = [word for word in allowed if word]
                hint = nearest(str(value), words)
                known = f"give one of {', '.join(words)}{hint}"
                raise InputError(f"published '{self.id}', {field}: '{value}' is not known; {known}")
        if self.ci is not None and len(self.ci) != 2:
            raise InputError(f"published '{self.id}', ci: {len(self.ci)} numbers found; give two limits")
        for text in (*self.printed, *(getattr(self, name) for name in _NUMBERS if getattr(self, name) is not None)):
            if not _is_number(text):
                raise InputError(
                    f"published '{self.id}': '{shown(str(text))}' is not a number; give it as printed, such as '2.86'"
                )
        for name in _COUNTS:
            text = getattr(self, name)
            if text is not None and not (isinstance(text, str) and len(text) < 10 and text.isdecimal()):
                raise InputError(
                    f"published '{self.id}', {name}: '{shown(str(text))}' is not a count; give a whole number"
                )
        if self.p is not None and not (isinstance(self.p, str) and _P.fullmatch(self.p) and len(self.p) < _LONGEST):
            raise InputError(
                f"published '{self.id}', p: '{shown(str(self.p))}' is not a P value; give it as '0.021' or '<0.001'"
            )

    @property
    def printed(self) -> tuple[str, ...]:
        """The numbers as printed: the estimate, then the limits, as far as there are any."""
        return self.select(self.estimate, *(self.ci or ()))

    def select[X](self, estimate: X, low: X | None = None, high: X | None = None) -> tuple[X, ...]:
        """Of an estimate and two limits, those that are printed here and known."""
        known = (self.estimate is not None, bool(self.ci and self.ci[0]), bool(self.ci and self.ci[1]))
        return tuple(x for x, wanted in zip((estimate, low, high), known, strict=True) if wanted and x is not None)

    @property
    def text(self) -> str:
        """The result as printed, its measure first."""
        numbers = sentence(self, self.printed)
        if self.measure in ("percent", "per-100"):
            numbers = f"{numbers}%" if self.measure == "percent" else f"{numbers} per 100"
        elif self.measure in ("participants", "count"):
            noun = "participant" if self.measure == "participants" else "event"
            numbers = f"{numbers} {noun}{'' if numbers == '1' else 's'}"
        else:
            numbers = f"{'P' if self.measure == 'p' else self.measure} {numbers}".strip()
        if self.mean_t is not None and self.mean_c is not None:
            arms = (self._arm(self.mean_t, self.spread_t), self._arm(self.mean_c, self.spread_c))
            numbers = f"{numbers} {arms[0]} against {arms[1]}"
        return f"{numbers}, P {self.p if self.p[:1] in '<>' else f'= {self.p}'}" if self.p else numbers

    @staticmethod
    def _arm(mean: str, spread: str | None) -> str:
        return f"{mean} (plus-minus {spread})" if spread is not None else mean

    @property
    def p_range(self) -> tuple[float, float] | None:
        """Every P value that would be printed as this one, None where none is printed."""
        text = self.estimate if self.measure == "p" else self.p
        found = _P.fullmatch(text) if text else None
        if not found:
            return None
        sign, digits = found.groups()
        low, high = rounding(digits)
        if sign in ("<", ">"):
            return (0.0, float(digits)) if sign == "<" else (float(digits), 1.0)
        return max(low, 0.0), min(high, 1.0)


def rounding(printed: str) -> tuple[float, float]:
    """Lowest and highest number that is printed as `printed`."""
    value = Decimal(printed)
    half = Decimal(5).scaleb(int(value.as_tuple().exponent) - 1)
    return float(value - half), float(value + half)


def _is_number(text: object) -> bool:
    """Whether `text` is a number of a size that somebody prints."""
    if not isinstance(text, str) or len(text) > _LONGEST:
        return False
    try:
        number = Decimal(text)
    except InvalidOperation:
        return False
    return number.is_finite() and (number == 0 or abs(number.adjusted()) < _LONGEST)


def rounded(x: float, printed: str) -> tuple[Decimal, ...]:
    """Return `x` at the decimals of `printed`, halves up and halves to even; nothing if it is not finite."""
    if not math.isfinite(x):
        return ()
    step = Decimal(1).scaleb(int(Decimal(printed).as_tuple().exponent))
    exact = Decimal(repr(float(x)))
    return tuple(exact.quantize(step, mode, _WIDE) for mode in (ROUND_HALF_UP, ROUND_HALF_EVEN))


def matches(values: tuple[float, ...], printed: tuple[str, ...]) -> bool:
    """Whether each value, rounded halves up or to even, is the printed one."""
    return all(Decimal(text) in rounded(x, text) for x, text in zip(values, printed, strict=False))


def sentence(published: Published, numbers: tuple[str, ...]) -> str:
    """Return '11.00 (2.86 to 42.25)', or as much of it as there is."""
    if published.ci is None or len(numbers) < len(published.printed):
        return " ".join(numbers)
    given = iter(numbers)
    estimate = next(given) if published.estimate is not None else ""
    low, high = (next(given) if limit else "" for limit in published.ci)
    limits = f"({low} to {high})" if low and high else f"(from {low})" if low else f"(up to {high})" if high else ""
    return " ".join(filter(None, (estimate, limits)))
