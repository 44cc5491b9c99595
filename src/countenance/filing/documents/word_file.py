"""A document as a DOCX file: real headings and tables, a font for each script, the same bytes for the same words."""

import io
import zipfile
from datetime import UTC, datetime
from html import escape
from typing import Any, Final

import docx
from docx.document import Document as WordDocument
from docx.oxml.ns import nsdecls, qn
from docx.oxml.parser import OxmlElement, parse_xml
from docx.shared import Cm, Pt, RGBColor

from countenance.filing.documents.tree import (
    Block,
    Cell,
    Document,
    Fields,
    Grid,
    Items,
    Missing,
    Paragraph,
    Section,
    front,
    said,
)
from countenance.vocabulary import Language

#: Which fonts stand for Latin letters and for Chinese characters; both are there wherever Word is.
_LATIN: Final = "Times New Roman"
_CHINESE: Final = "SimSun"
_LATIN_HEADING: Final = "Arial"
_CHINESE_HEADING: Final = "SimHei"
_HEADINGS: Final = ("Title", "Heading 1", "Heading 2", "Heading 3", "Caption")
_RED: Final = "9B1C1C"
_LANG: Final = {Language.EN: "en-GB", Language.ZH: "zh-CN"}
_LEVEL_MAX: Final = 3
#: Twentieths of a point: the sixteen centimetres of a line, and of those what the name of a field takes.
_LINE: Final = 9071
_FIELD: Final = 3118


def as_docx(document: Document, language: Language) -> bytes:
    """Return a document as a DOCX file."""
    made = docx.Document()
    _dress(made, language)
    _name(made, document, language)
    _foot(made, document, language)
    sections = (*front(document, language), *document.sections)
    body = _paragraph(said(document.title, language), "Title") + "".join(_section(e, language, 1) for e in sections)
    end: Any = made.element.body.sectPr
    # Parsed in one go: built call by call, the tables of a large operator take a second each.
    for element in parse_xml(f"<w:body {nsdecls('w')}>{body}</w:body>"):
        end.addprevious(element)
    written = io.BytesIO()
    made.save(written)
    return _undated(written.getvalue())


def _dress(made: WordDocument, language: Language) -> None:
    """Give the styles a font for each script, in place of those of the template's theme, and the page its size."""
    page = made.sections[0]
    page.page_width, page.page_height = Cm(21), Cm(29.7)
    page.left_margin = page.right_margin = Cm(2.5)
    for name in ("Normal", *_HEADINGS):
        style: Any = made.styles[name]
        heading = name != "Normal"
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for attribute in list(fonts.attrib):
            del fonts.attrib[attribute]
        latin, chinese = (_LATIN_HEADING, _CHINESE_HEADING) if heading else (_LATIN, _CHINESE)
        for script, font in (("ascii", latin), ("hAnsi", latin), ("cs", latin), ("eastAsia", chinese)):
            fonts.set(qn(f"w:{script}"), font)
        if heading:
            style.font.color.rgb = RGBColor(0x1A, 0x1A, 0x1A)
    normal: Any = made.styles["Normal"]
    normal.font.size = Pt(10.5)
    spoken = OxmlElement("w:lang")
    spoken.set(qn("w:val"), _LANG[language])
    spoken.set(qn("w:eastAsia"), "zh-CN")
    normal.element.get_or_add_rPr().append(spoken)


def _name(made: WordDocument, document: Document, language: Language) -> None:
    """Say of the file what the document says of itself, and nothing of the template."""
    at = datetime.fromisoformat(document.heading.made_at).astimezone(UTC).replace(tzinfo=None)
    core = made.core_properties
    core.title = said(document.title, language)[:255]
    core.author = core.last_modified_by = said(document.heading.operator, language)[:255]
    core.language = _LANG[language]
    core.comments = core.keywords = core.subject = core.category = ""
    core.created = core.modified = at
    core.revision = 1


def _foot(made: WordDocument, document: Document, language: Language) -> None:
    """Let every page say which document it belongs to, and its number."""
    foot = made.sections[0].footer.paragraphs[0]
    foot.add_run(f"{said(document.title, language)} · ").font.size = Pt(9)
    number: Any = OxmlElement("w:fldSimple")
    number.set(qn("w:instr"), "PAGE")
    foot._p.append(number)  # noqa: SLF001 — the library has no other way to number pages


def _section(section: Section, language: Language, level: int) -> str:
    heading = _paragraph(said(section.title, language), f"Heading{min(level, _LEVEL_MAX)}")
    blocks = "".join(_block(each, language) for each in section.blocks)
    return heading + blocks + "".join(_section(each, language, level + 1) for each in section.parts)


def _block(block: Block, language: Language) -> str:
    match block:
        case Paragraph(text):
            return _paragraph(text, language=language)
        case Fields(rows):
            return _table(rows, language)
        case Grid(caption, header, rows):
            return _paragraph(said(caption, language), "Caption") + _table(rows, language, header)
        case Items(items, False):
            return "".join(_paragraph(each, "ListBullet", language) for each in items)
        case Items(items, _):
            # Numbers are written out: a numbered style would go on counting from one list to the next.
            return "".join(_paragraph(each, "", language, f"{place}. ") for place, each in enumerate(items, 1))


def _paragraph(cell: Cell, style: str = "", language: Language = Language.EN, before: str = "") -> str:
    keep = "<w:keepNext/>" if style == "Caption" else ""
    properties = f'<w:pPr><w:pStyle w:val="{style}"/>{keep}</w:pPr>' if style else ""
    lead = _run(before, "") if before else ""
    return f"<w:p>{properties}{lead}{_words(cell, language)}</w:p>"


def _table(rows: tuple[tuple[Cell, ...], ...], language: Language, header: tuple[Cell, ...] = ()) -> str:
    """Return a table over the whole line; a header stands on every page that the table reaches."""
    if not rows:
        return ""
    wide = len(rows[0])
    widths = [_LINE // wide] * wide if header else [_FIELD, _LINE - _FIELD]
    grid = "".join(f'<w:gridCol w:w="{each}"/>' for each in widths)
    lines = [_row(header, language, widths, repeated=True)] if header else []
    lines += [_row(row, language, widths) for row in rows]
    return (
        '<w:tbl><w:tblPr><w:tblStyle w:val="TableGrid"/>'
        f'<w:tblW w:w="{_LINE}" w:type="dxa"/><w:tblLook w:val="04A0"/></w:tblPr>'
        f"<w:tblGrid>{grid}</w:tblGrid>{''.join(lines)}</w:tbl>"
        '<w:p><w:pPr><w:spacing w:after="0"/></w:pPr></w:p>'
    )


def _row(cells: tuple[Cell, ...], language: Language, widths: list[int], *, repeated: bool = False) -> str:
    properties = "<w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>" if repeated else "<w:trPr><w:cantSplit/></w:trPr>"
    inside = "".join(
        f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/></w:tcPr>'
        f"<w:p>{_words(cell, language, bold=repeated or place == 0)}</w:p></w:tc>"
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return f"<w:tr>{properties}{inside}</w:tr>"


def _words(cell: Cell, language: Language, *, bold: bool = False) -> str:
    if isinstance(cell, Missing):
        return _run(said(cell, language), f'<w:b/><w:color w:val="{_RED}"/>')
    return _run(said(cell, language), "<w:b/>" if bold else "")


def _run(words: str, properties: str) -> str:
    lines = "<w:br/>".join(
        "<w:tab/>".join(f'<w:t xml:space="preserve">{escape(part)}</w:t>' for part in line.split("\t"))
        for line in words.split("\n")
    )
    return f"<w:r>{f'<w:rPr>{properties}</w:rPr>' if properties else ''}{lines}</w:r>"


def _undated(written: bytes) -> bytes:
    """Return the same archive with each part dated alike: what it was saved at is no part of the document."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(written)) as parts, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in parts.namelist():
            archive.writestr(still(name), parts.read(name), zipfile.ZIP_DEFLATED, 6)
    return out.getvalue()


def still(name: str) -> zipfile.ZipInfo:
    """Return an entry of an archive that bears no time of its own, readable by its owner and others."""
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.external_attr = 0o644 << 16
    entry.create_system = 3
    return entry
