"""What `audit` prints: each published number with what reproduces it, and the flags in words."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bayes_ivig.audit import Audit, Finding
from bayes_ivig.audit.finding import plain_methods
from bayes_ivig.audit.review import ReviewAudit
from bayes_ivig.present import table
from bayes_ivig.published import Reproduction

_STYLE = {"certain": "bold red", "probable": "bold yellow", "possible": "bold"}
_MOST_METHODS = 3


def audit_view(result: ReviewAudit) -> RenderableType:
    """One review or file: outcome by outcome, then what concerns several, then the count."""
    parts: list[RenderableType] = [Text(""), Text(f"Audit: {result.title}", style="bold"), Text("")]
    for audit in result.audits:
        if audit.cases or audit.reconstructions:
            parts += _outcome(audit)
    if result.together:
        parts += [Text("Across outcomes", style="bold"), *_findings(result.together)]
    n = sum(len(a.cases) for a in result.audits)
    reproduced = sum(r.reproduced for a in result.audits for r in a.reproductions)
    sure = {word: sum(f.sure == word for f in result.findings) for word in _STYLE}
    counts = ", ".join(f"{count} {word}" for word, count in sure.items() if count)
    parts.append(
        Text(
            f"{n} published results, {reproduced} reproduced to every printed digit; "
            f"{len(result.findings)} flag{'' if len(result.findings) == 1 else 's'}{f' ({counts})' if counts else ''}."
        )
    )
    parts += [Text(f"Not audited: {reason}") for reason in result.refused]
    if result.failed:
        parts.append(Text(f"Expected to be reproduced, and not: {', '.join(p.id for p in result.failed)}", "bold red"))
    return Group(*parts)


def _outcome(audit: Audit) -> list[RenderableType]:
    rows = [(r.published.id, r.published_text, _verdict(r), _flags(r, audit.findings)) for r in audit.reproductions]
    parts: list[RenderableType] = []
    title = audit.evidence.title or audit.evidence.outcome
    if rows:
        parts.append(table(title, ("result", "published", "from these trials", "flags"), rows, numeric_from=4))
    else:
        parts.append(Text(title, style="bold"))
    parts += _findings(audit.findings)
    for name, reconstruction in audit.reconstructions:
        reading = f" ({name})" if name else ""
        parts.append(Padding(Text(f"Search{reading}: {reconstruction.verdict}."), (0, 0, 0, 2)))
    for study, n in audit.pairs:
        words = "one table of pairs" if n == 1 else f"{n} tables of pairs"
        parts.append(Padding(Text(f"Pairs: the margins of {study} leave {words}."), (0, 0, 0, 2)))
    parts.append(Text(""))
    return parts


def _verdict(r: Reproduction) -> str:
    """The methods that reproduce a result, or the nearest answer; long lists are cut."""
    if r.reproduced:
        methods = plain_methods(r)
        more = len(methods) - _MOST_METHODS
        return "; ".join(methods[:_MOST_METHODS]) + (f"; and {more} more" if more > 0 else "")
    if not r.published.printed:
        return "no estimate is printed"
    if not r.methods:
        return f"not reproduced: {r.note}" if r.note else "not reproduced by any method"
    return f"no method; the nearest is {r.computed} by {r.methods[0]}"


def _flags(r: Reproduction, findings: Sequence[Finding]) -> str:
    return "; ".join(dict.fromkeys(f.check for f in findings if r.published.id in f.about))


def _findings(findings: Sequence[Finding]) -> list[RenderableType]:
    """A hanging paragraph a flag: what was seen, what would be consistent, how sure."""
    if not findings:
        return []
    grid = Table.grid(padding=(0, 1))
    grid.add_column(min_width=10)
    why = ("", "")
    for f in findings:
        first = Text.assemble((f"{f.check}: ", "bold"), f"{f.seen}.")
        grid.add_row(Text(f"  {f.sure}", style=_STYLE[f.sure]), first)
        grid.add_row("", Text(f"Consistent would be: {f.consistent}."))
        if why != (f.sure, f.reason):  # said once for several in a row
            grid.add_row("", Text(f"Why {f.sure}: {f.reason}.", style="dim"))
        why = (f.sure, f.reason)
    return [grid]
