"""The report as Markdown and as a Word document, from the same sections as the page."""

import io
import re
from typing import Any

from bayes_ivig.page.blocks import Block, Bullets, Code, Live, Paragraph, People, Picture, Section, Table
from bayes_ivig.page.html import plain
from bayes_ivig.page.report import Report


def to_markdown(report: Report) -> str:
    """Write the report as Markdown: the page's own blocks as HTML, turned by markdownify; figures in words."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markdownify import MarkdownConverter

    environment = Environment(
        loader=PackageLoader("bayes_ivig.page", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["plain"] = plain
    environment.tests["block"] = lambda block, name: type(block).__name__ == name
    html = environment.get_template("document.html.j2").render(report=report, sections=report.sections())
    converter = MarkdownConverter(
        heading_style="atx", bullets="-", escape_misc=True, escape_asterisks=True, escape_underscores=True
    )
    text = converter.convert(html)
    # A bracket needs its backslash only where the line would be a list otherwise.
    text = re.sub(r"(?m)^(?!\s*\d+\\\)).*$", lambda line: line[0].replace("\\)", ")"), text)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def to_docx(report: Report) -> bytes:
    """Write the report as a Word document with its figures."""
    import docx

    document = docx.Document()
    document.core_properties.title = plain(report.title)[:255]
    document.core_properties.author = ""
    document.core_properties.comments = ""
    document.add_heading(plain(report.title), 0)
    if report.failed:
        _alarm(document, f"CHECK FAILED for {', '.join(report.failed)}: do not use the numbers of these outcomes.")
    for section in report.sections():
        _section(document, section, 1)
    data = io.BytesIO()
    document.save(data)
    return data.getvalue()


def _section(document: Any, section: Section, level: int) -> None:
    document.add_heading(plain(section.title), min(level, 9))
    for block in section.blocks:
        _block(document, block)
    for part in section.parts:
        _section(document, part, level + 1)


def _block(document: Any, block: Block) -> None:
    match block:
        case Paragraph(text, "alarm"):
            _alarm(document, text)
        case Paragraph(text, _):
            document.add_paragraph(plain(text))
        case Live(_):
            document.add_paragraph("The page (report --format html) lets every prior be moved.")
        case Bullets(items, title, _):
            if title:
                document.add_paragraph(plain(title)).runs[0].bold = True
            for item in items:
                document.add_paragraph(plain(item), style="List Bullet")
        case Code(text):
            document.add_paragraph(plain(text), style="No Spacing").runs[0].font.name = "Courier New"
        case Table():
            _table(document, block)
        case Picture(_, _, alt, caption, png):
            _picture(document, plain(alt), plain(caption), png)
        case People(labels, counts, event):
            for label, count in zip(labels, counts, strict=True):
                document.add_paragraph(plain(f"{count:.0f} of 100 patients {label}: {event}"), style="List Bullet")


def _alarm(document: Any, text: str) -> None:
    from docx.shared import RGBColor

    run = document.add_paragraph().add_run(plain(text))
    run.bold = True
    run.font.color.rgb = RGBColor(0xB0, 0, 0)


def _table(document: Any, block: Table) -> None:
    from docx.shared import Pt

    document.add_paragraph(plain(block.caption)).runs[0].bold = True
    grid = document.add_table(rows=1, cols=len(block.header), style="Light Grid Accent 1")
    for cell, text in zip(grid.rows[0].cells, block.header, strict=True):
        cell.text = plain(text)
    for row in block.rows:
        for cell, content in zip(grid.add_row().cells, row, strict=True):
            cell.text = plain(content.text)
    for row in grid.rows:
        for cell in row.cells:
            for paragraph in cell.paragraphs:
                for run in paragraph.runs:
                    run.font.size = Pt(8)
    if block.note:
        document.add_paragraph(plain(block.note))


def _picture(document: Any, alt: str, caption: str, png: bytes) -> None:
    from docx.shared import Mm

    if png:
        shape = document.add_picture(io.BytesIO(png), width=Mm(150))
        shape._inline.docPr.set("descr", alt)  # python-docx has no name for alternative text
    document.add_paragraph(caption if png else f"{caption} {alt}")
