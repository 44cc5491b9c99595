"""The tree that every document is: sections, fields, tables and lists in both languages, and marks of what is missing.

A word is the product's own in two languages (`Text`), somebody's own words as they stand on file (`str`), or a mark
that says what is not on file and what to do (`Missing`). Nothing here invents a word for what nobody said.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from countenance.answer import Text
from countenance.vocabulary import Language

FORMAT: Final = "countenance-document/1"
#: What no document can hold: control characters but tab and newline, halves of pairs, and two non-characters.
_UNWRITABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Missing:
    """What is not on file: its key, what it is, and what to do; `by_hand` where it never is, and a person adds it."""

    key: str
    what: Text
    remedy: Text
    by_hand: bool = False


Cell = Text | str | Missing


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Some sentences."""

    text: Cell


@dataclass(frozen=True, slots=True)
class Fields:
    """Names and what stands for them, one below the other."""

    rows: tuple[tuple[Text, Cell], ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table with a caption; the first cell of a row says what the row is about."""

    caption: Text
    header: tuple[Text, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Items:
    """A list; numbered where the order says something."""

    items: tuple[Cell, ...]
    numbered: bool = False


Block = Paragraph | Fields | Grid | Items


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, what stands below it, and sections of its own."""

    title: Cell
    blocks: tuple[Block, ...] = ()
    parts: tuple["Section", ...] = ()


@dataclass(frozen=True, slots=True)
class Heading:
    """What every document says of itself: who makes it, when, and by which editions of the law."""

    operator: Cell
    made_at: str
    editions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Document:
    """One document: `name` is that of its file, without an ending."""

    name: str
    title: Text
    heading: Heading
    sections: tuple[Section, ...]
    #: What is missing in other documents and is listed here as well.
    elsewhere: tuple[Missing, ...] = ()

    def __repr__(self) -> str:
        """Show the name of the file, and nothing that stands in it."""
        return f"Document({self.name})"

    def missing(self) -> tuple[Missing, ...]:
        """Return what is missing, each once, in the order in which it is met."""
        found = {cell.key: cell for cell in (*_cells(self), *self.elsewhere) if isinstance(cell, Missing)}
        return tuple(found.values())


def said(cell: Cell, language: Language) -> str:
    """Return what a cell says in a language, without characters that no document can hold."""
    if isinstance(cell, Missing):
        mark = "to be added by hand" if cell.by_hand else "missing"
        words = f"[{mark}: {cell.what.en}]" if language is Language.EN else _mark_zh(cell)
    elif isinstance(cell, Text):
        words = cell.en if language is Language.EN else cell.zh
    else:
        words = cell
    return _UNWRITABLE.sub("", words.replace("\r\n", "\n").replace("\r", "\n"))


def _mark_zh(cell: Missing) -> str:
    return f"【{'须人工填写' if cell.by_hand else '缺失'}：{cell.what.zh}】"


def front(document: Document, language: Language) -> tuple[Section, ...]:
    """Return what stands before the sections: what the document says of itself, and the list of what is missing."""
    heading = document.heading
    editions = "\n".join(f"{pack}: {edition}" for pack, edition in heading.editions)
    itself: list[tuple[Text, Cell]] = [
        (Text("Operator", "处理者"), heading.operator),
        (Text("Made at", "生成时间"), heading.made_at),
        (Text("Editions of the law packs", "规则包版本"), editions),
        (Text("Digest of the contents", "内容摘要"), digest(document, language)),
    ]
    shown = [Section(Text("About this document", "文件信息"), (Fields(tuple(itself)),))]
    missing = document.missing()
    for by_hand, title in ((False, _MISSING), (True, _BY_HAND)):
        if rows := tuple((each.what, each.remedy) for each in missing if each.by_hand is by_hand):
            header = (Text("What", "事项"), Text("What to do", "如何处理"))
            shown.append(Section(title, (Grid(_EACH, header, rows),)))
    if not any(not each.by_hand for each in missing):
        shown.insert(1, Section(_MISSING, (Paragraph(_NOTHING),)))
    return tuple(shown)


_MISSING: Final = Text("What is missing", "缺失事项")
_EACH: Final = Text("Each with what to do", "逐项说明")
_BY_HAND: Final = Text("What a person adds by hand", "须人工填写的事项")
_NOTHING: Final = Text(
    "Nothing that this document needs is missing on file. Whether what is on file is true, a person has to say.",
    "本文件所需内容在系统中均有登记。登记内容是否属实，须由人员确认。",
)


def digest(document: Document, language: Language) -> str:
    """Return the SHA-256 of the contents: of the JSON form without its digest, canonical, in UTF-8."""
    canonical = json.dumps(contents(document, language), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"


def contents(document: Document, language: Language) -> dict[str, Any]:
    """Return a document in one language as a JSON object, without its digest."""
    return {
        "format": FORMAT,
        "name": document.name,
        "title": said(document.title, language),
        "language": language.value,
        "operator": _cell(document.heading.operator, language),
        "made_at": document.heading.made_at,
        "law": [{"pack": pack, "edition": edition} for pack, edition in document.heading.editions],
        "missing": [
            {
                "key": each.key,
                "what": said(each.what, language),
                "remedy": said(each.remedy, language),
                "by_hand": each.by_hand,
            }
            for each in document.missing()
        ],
        "sections": [_section(each, language) for each in document.sections],
    }


def _section(section: Section, language: Language) -> dict[str, Any]:
    return {
        "title": said(section.title, language),
        "blocks": [_block(each, language) for each in section.blocks],
        "parts": [_section(each, language) for each in section.parts],
    }


def _block(block: Block, language: Language) -> dict[str, Any]:
    match block:
        case Paragraph(text):
            return {"kind": "paragraph", "text": _cell(text, language)}
        case Fields(rows):
            fields = [{"name": said(name, language), "value": _cell(value, language)} for name, value in rows]
            return {"kind": "fields", "fields": fields}
        case Grid(caption, header, rows):
            return {
                "kind": "table",
                "caption": said(caption, language),
                "header": [said(each, language) for each in header],
                "rows": [[_cell(each, language) for each in row] for row in rows],
            }
        case Items(items, numbered):
            return {"kind": "list", "numbered": numbered, "items": [_cell(each, language) for each in items]}


def _cell(cell: Cell, language: Language) -> str | dict[str, str]:
    """Return a word, or an object that a program tells from every word, for what is missing."""
    return {"missing": cell.key} if isinstance(cell, Missing) else said(cell, language)


def _cells(document: Document) -> Iterator[Cell]:
    yield document.heading.operator
    for section in document.sections:
        yield from _cells_of(section)


def _cells_of(section: Section) -> Iterator[Cell]:
    yield section.title
    for block in section.blocks:
        match block:
            case Paragraph(text):
                yield text
            case Fields(rows):
                yield from (value for _, value in rows)
            case Grid(_, _, cells):
                yield from (cell for row in cells for cell in row)
            case Items(items, _):
                yield from items
    for part in section.parts:
        yield from _cells_of(part)
