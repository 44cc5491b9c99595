"""A document as one HTML page: nothing is loaded, no script runs, headings and tables say what they are, and it prints.

Words are escaped one by one by the standard library: no template is needed for a tree of five kinds of block, and
templates stay in the room of pages.
"""

from html import escape
from typing import Final

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

_LANG: Final = {Language.EN: "en", Language.ZH: "zh-Hans"}
#: The page may load and run nothing, wherever it is opened.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"
_STYLE: Final = """
:root { color-scheme: light; }
body { margin: 0; background: #fff; color: #1a1a1a; line-height: 1.5;
  font-family: "Noto Serif", Georgia, "Noto Serif CJK SC", "Songti SC", SimSun, serif; }
main { max-width: 52rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1, h2, h3, h4, th, caption { font-family: "Noto Sans", Helvetica, Arial, "Noto Sans CJK SC", "PingFang SC",
  "Microsoft YaHei", sans-serif; line-height: 1.3; }
h1 { font-size: 1.75rem; margin: 0 0 1.5rem; padding-bottom: .75rem; border-bottom: 3px solid #1a1a1a; }
h2 { font-size: 1.25rem; margin: 2.25rem 0 .75rem; }
h3 { font-size: 1.05rem; margin: 1.5rem 0 .5rem; }
h4 { font-size: 1rem; margin: 1.25rem 0 .5rem; }
p, td, li { overflow-wrap: anywhere; white-space: pre-line; }
table { border-collapse: collapse; width: 100%; margin: .75rem 0 1.25rem; font-size: .92rem; }
caption { text-align: left; font-weight: 600; padding: .25rem 0; }
th, td { border: 1px solid #8a8a8a; padding: .4rem .55rem; vertical-align: top; text-align: left; }
thead th { background: #ececec; }
tbody th { background: #f6f6f6; font-weight: 600; overflow-wrap: anywhere; }
table.fields tbody th { width: 34%; }
.scroll { overflow-x: auto; }
strong.missing { color: #9b1c1c; background: #fdf0f0; font-weight: 600; }
@page { margin: 18mm 16mm; }
@media print {
  main { max-width: none; padding: 0; }
  body { font-size: 10.5pt; }
  h2, h3, h4, caption { break-after: avoid; }
  tr { break-inside: avoid; }
  thead { display: table-header-group; }
  .scroll { overflow: visible; }
}
"""


def as_html(document: Document, language: Language) -> bytes:
    """Return a document as an HTML page in UTF-8."""
    sections = [*front(document, language), *document.sections]
    title, lang = _words(document.title, language), _LANG[language]
    body = "\n".join(_section(each, language, 2) for each in sections)
    return (
        f'<!doctype html>\n<html lang="{lang}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{title}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    ).encode()


def _section(section: Section, language: Language, level: int) -> str:
    heading = f"h{min(level, 4)}"
    blocks = [_block(each, language) for each in section.blocks]
    parts = [_section(each, language, level + 1) for each in section.parts]
    inside = "\n".join([f"<{heading}>{_cell(section.title, language)}</{heading}>", *blocks, *parts])
    return f"<section>\n{inside}\n</section>"


def _block(block: Block, language: Language) -> str:
    match block:
        case Paragraph(text):
            return f"<p>{_cell(text, language)}</p>"
        case Fields(fields):
            rows = "\n".join(
                f'<tr><th scope="row">{_words(name, language)}</th><td>{_cell(value, language)}</td></tr>'
                for name, value in fields
            )
            return f'<div class="scroll"><table class="fields">\n<tbody>\n{rows}\n</tbody>\n</table></div>'
        case Grid():
            return _grid(block, language)
        case Items(items, numbered):
            kind = "ol" if numbered else "ul"
            return f"<{kind}>\n" + "\n".join(f"<li>{_cell(each, language)}</li>" for each in items) + f"\n</{kind}>"


def _grid(grid: Grid, language: Language) -> str:
    header = "".join(f'<th scope="col">{_words(each, language)}</th>' for each in grid.header)
    rows = "\n".join(
        f'<tr><th scope="row">{_cell(row[0], language)}</th>'
        + "".join(f"<td>{_cell(each, language)}</td>" for each in row[1:])
        + "</tr>"
        for row in grid.rows
    )
    return (
        f'<div class="scroll"><table>\n<caption>{_words(grid.caption, language)}</caption>\n'
        f"<thead><tr>{header}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table></div>"
    )


def _words(cell: Cell, language: Language) -> str:
    return escape(said(cell, language))


def _cell(cell: Cell, language: Language) -> str:
    words = _words(cell, language)
    return f'<strong class="missing">{words}</strong>' if isinstance(cell, Missing) else words
