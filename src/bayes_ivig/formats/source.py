"""One outcome of a file, ready to be read: the same value whatever the file's format."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from bayes_ivig.errors import InputError, nearest
from bayes_ivig.published import Published
from bayes_ivig.tabular import Table, shown
from bayes_ivig.wording import listing

_LISTED = 24  # outcomes that an error names


@dataclass(frozen=True)
class LeftOut:
    """A row that holds no data for any model, and why; the review that the file comes from left it out too."""

    line: int
    name: str
    why: str


@dataclass(frozen=True)
class Source:
    """A table of trials and what its file says about it.

    `outcome` is its name in commands, `number` the one printed in a review ("1.2", a subgroup "1.2.3"; empty
    where the file has one table only), `subgroup` the label of one. `measure` is the scale of the data where the
    file says it; `changed` says of a row of the table, by its place there, what it holds that the file does not;
    `published` are the pooled results that the file carries.
    """

    outcome: str
    title: str
    table: Table
    format: str
    number: str = ""
    subgroup: str = ""
    measure: str | None = None
    unit: str = ""
    treatment: str = "treatment"
    control: str = "control"
    notes: tuple[str, ...] = ()
    changed: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))
    left_out: tuple[LeftOut, ...] = ()
    published: tuple[Published, ...] = ()
    sha256: str = ""

    @property
    def is_subgroup(self) -> bool:
        """Whether this is a part of another outcome of the same file."""
        return bool(self.subgroup)


def choose_source(sources: Sequence[Source], outcome: str | None, name: str) -> Source:
    """Return the outcome asked for by name or number, or the only one.

    Raises InputError, listing the outcomes, where none is asked for among several, or an unknown one.
    """
    whole = [source for source in sources if not source.is_subgroup]
    if outcome is None and len(whole) == 1:
        return whole[0]
    for source in sources:
        if outcome is not None and outcome in (source.outcome, source.number):
            return source
    names = [source.outcome for source in whole]
    listed = listing(names, _LISTED)
    if outcome is None:
        raise InputError(f"{name}: the file holds {len(whole)} outcomes; add # and one of these to its path: {listed}")
    hint = nearest(outcome, [source.outcome for source in sources])
    raise InputError(f"{name}: there is no outcome '{shown(outcome)}'{hint}; the file holds {listed}")
