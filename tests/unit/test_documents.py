"""Documents of a filing: one tree rendered three ways in two languages, the same each time, and readable by others."""

import hashlib
import io
import json
import re
import zipfile
from dataclasses import replace
from datetime import datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise

import docx
import pytest
from docx.oxml.ns import qn
from hypothesis import given, settings
from hypothesis import strategies as st

from countenance.answer import Text
from countenance.errors import NotFoundError
from countenance.filing.documents import tree
from countenance.filing.documents.html_page import as_html
from countenance.filing.documents.package import BUILDERS, RENDERED, documents, package, render, single
from countenance.filing.documents.tree import (
    Document,
    Fields,
    Grid,
    Heading,
    Items,
    Missing,
    Paragraph,
    Section,
    contents,
    digest,
    said,
)
from countenance.filing.documents.word_file import as_docx
from countenance.vocabulary import FilingKind, Language
from tests.dossier import AT, dossier

EN, ZH = Language.EN, Language.ZH
LACKING = Missing("some.key", Text("Something", "某事"), Text("Do it", "请办理"))


def small(*words: tree.Cell) -> Document:
    """Return a document with every kind of block, its words in each."""
    blocks: tuple[tree.Block, ...] = (
        *(Paragraph(each) for each in words),
        Fields(tuple((Text("Name", "名称"), each) for each in words)),
        Grid(Text("Caption", "题注"), (Text("One", "一"), Text("Two", "二")), tuple((each, each) for each in words)),
        Items(tuple(words)),
        Items(tuple(words), numbered=True),
    )
    inner = Section(Text("Inner", "内层"), (Paragraph("deep"),))
    heading = Heading("The operator", "2026-11-26T09:30:00+08:00", (("cn-2025", "sha256:12"),))
    return Document("small", Text("A title", "标题"), heading, (Section(Text("Outer", "外层"), blocks, (inner,)),))


class Page(HTMLParser):
    """Reads a page as a browser would, and keeps what the tests look at."""

    VOID = frozenset({"meta", "br", "link", "img"})

    def __init__(self, content: bytes) -> None:
        """Read the page."""
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.open: list[str] = []
        self.feed(content.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, "every element is closed where it was opened"

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words += data


@pytest.mark.parametrize("act", FilingKind)
def test_a_package_holds_every_document_in_each_form_and_language(act):
    made = package(dossier(), act, list(Language))
    archive = zipfile.ZipFile(io.BytesIO(made))
    manifest = json.loads(archive.read("manifest.json"))
    names = [each.name for each in documents(dossier(), act)]
    assert names[0] == "cover"
    assert {"form-1-handler", "checklist", "numbers"} <= set(names)
    assert ("change" in names, "deregistration" in names) == (
        act is FilingKind.CHANGE,
        act is FilingKind.DEREGISTRATION,
    )
    expected = {f"{language.value}/{name}.{ending}" for language in Language for name in names for ending in RENDERED}
    assert {each["name"] for each in manifest["files"]} == expected
    assert set(archive.namelist()) == expected | {"manifest.json"}
    for each in manifest["files"]:
        content = archive.read(each["name"])
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (each["sha256"], each["size"])
    lacking = {"disposal.left", "disposal.active"} if act is FilingKind.DEREGISTRATION else set()
    assert set(manifest["missing"]) == lacking
    assert len(manifest["by_hand"]) > 8
    assert {key.partition(".")[0] for key in manifest["by_hand"]} == {"hand"}
    assert (manifest["act"], manifest["pack"], manifest["made_at"]) == (act.value, "cn-2023-draft", AT.isoformat())


def test_the_same_dossier_makes_the_same_bytes_and_another_makes_others():
    first = package(dossier(), FilingKind.DEREGISTRATION, [ZH])
    assert package(dossier(), FilingKind.DEREGISTRATION, [ZH]) == first
    later = replace(dossier(), made_at=AT + timedelta(seconds=1))
    assert package(later, FilingKind.DEREGISTRATION, [ZH]) != first
    for entry in zipfile.ZipFile(io.BytesIO(first)).infolist():
        assert entry.date_time == (1980, 1, 1, 0, 0, 0)


@pytest.mark.parametrize("language", Language)
def test_the_digest_is_that_of_the_json_form_and_stands_in_all_three(language):
    document = single(dossier(), "numbers")
    made = {ending: render(document, language, ending).content for ending in RENDERED}
    raw = json.loads(made["json"])
    named = raw.pop("digest")
    canonical = json.dumps(raw, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    assert named == f"sha256:{hashlib.sha256(canonical).hexdigest()}" == digest(document, language)
    assert named in made["html"].decode()
    assert named in "\n".join(cell.text for table in opened(made["docx"]).tables for cell in table._cells)


def opened(content: bytes):
    return docx.Document(io.BytesIO(content))


@pytest.mark.parametrize("language", Language)
def test_a_docx_opens_again_with_headings_tables_title_and_a_font_for_each_script(language):
    document = single(dossier(), "assessment-check-in")
    found = opened(as_docx(document, language))
    title = said(document.title, language)
    assert (found.paragraphs[0].style.name, found.paragraphs[0].text) == ("Title", title)
    core = found.core_properties
    assert (core.title, core.language) == (title, {EN: "en-GB", ZH: "zh-CN"}[language])
    assert core.created == core.modified == datetime(2026, 11, 26, 1, 30, tzinfo=core.created.tzinfo)
    assert (core.author, core.comments) == ("Harbour Hotel 海港酒店", "")
    headings = [each for each in found.paragraphs if each.style.name.startswith("Heading")]
    assert {each.style.name for each in headings} == {"Heading 1", "Heading 2"}
    assert len(headings) > 40
    assert len(found.tables) > 4
    assert found.tables[-1].rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None
    for name, chinese in (("Normal", "SimSun"), ("Title", "SimHei"), ("Heading 1", "SimHei"), ("Heading 2", "SimHei")):
        fonts = found.styles[name].element.rPr.rFonts
        assert fonts.get(qn("w:eastAsia")) == chinese
        assert not [key for key in fonts.attrib if key.endswith("Theme")], "a theme would win over the font"
    assert found.styles["Normal"].element.rPr.find(qn("w:lang")).get(qn("w:eastAsia")) == "zh-CN"


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("name", [*BUILDERS, "assessment-check-in"])
def test_a_page_says_its_language_and_title_and_is_built_of_headings_and_tables(name, language):
    document = single(dossier(), name)
    content = as_html(document, language)
    page = Page(content)
    assert page.open == []
    assert page.tags[0] == ("html", {"lang": {EN: "en", ZH: "zh-Hans"}[language]})
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels)), "no level is skipped"
    heads = [attributes for tag, attributes in page.tags if tag == "th"]
    assert heads
    assert all(each.get("scope") in {"row", "col"} for each in heads)
    tables = sum(tag == "table" and not attributes for tag, attributes in page.tags)
    assert sum(tag == "caption" for tag, _ in page.tags) == tables
    assert not {"script", "link", "img", "iframe", "form"} & {tag for tag, _ in page.tags}
    assert not [
        key for _, attributes in page.tags for key in attributes if key.startswith("on") or key in {"src", "href"}
    ]
    assert b"@import" not in content
    assert b"url(" not in content


def test_the_two_languages_differ_and_neither_speaks_the_other():
    """Every document is in Chinese where it is Chinese; the operator's own words stand as they are on file."""
    for document in documents(dossier(), FilingKind.CHANGE):
        chinese = json.dumps([each["title"] for each in contents(document, ZH)["sections"]], ensure_ascii=False)
        english = json.dumps([each["title"] for each in contents(document, EN)["sections"]], ensure_ascii=False)
        assert re.search(r"[\u4e00-\u9fff]", chinese)
        assert chinese != english
        assert not re.search(r"[\u4e00-\u9fff]", english.replace("海港", ""))


@pytest.mark.parametrize("ending", RENDERED)
def test_what_is_missing_stands_in_front_with_what_to_do_and_again_in_its_place(ending):
    content = render(small("a word", LACKING), EN, ending).content
    if ending == "json":
        found = json.loads(content)
        assert found["missing"] == [{"key": "some.key", "what": "Something", "remedy": "Do it", "by_hand": False}]
        assert {"kind": "paragraph", "text": {"missing": "some.key"}} in found["sections"][0]["blocks"]
        return
    if ending == "html":
        words = Page(content).words
    else:
        words = "\n".join(
            part.text for part in opened(content).element.body.iter() if part.tag == qn("w:t") and part.text
        )
    assert words.index("Do it") < words.index("Outer") < words.index("[missing: Something]")


def test_what_a_person_adds_by_hand_is_listed_apart():
    by_hand = replace(LACKING, by_hand=True)
    words = Page(as_html(small(by_hand), ZH)).words
    assert "须人工填写的事项" in words
    assert "【须人工填写：某事】" in words
    assert "本文件所需内容在系统中均有登记" in words, "nothing is missing on file"


WORDS = st.text(st.characters(), max_size=80)


@settings(max_examples=30)
@given(WORDS)
def test_no_word_breaks_a_document(word):
    """Whatever an operator wrote: markup stays text, and what no document can hold is left out."""
    document = small(word, LACKING)
    kept = said(word, EN)
    assert "<" not in kept or kept.replace("<", "&lt;") != kept
    page = Page(as_html(document, EN))
    assert page.open == []
    assert page.words.count(kept) >= 5
    found = opened(as_docx(document, EN))
    first = (
        next(each for each in found.paragraphs if each.style.name == "Normal" and each.text == kept) if kept else None
    )
    assert first is not None or not kept
    assert json.loads(render(document, EN, "json").content)["sections"][0]["blocks"][0]["text"] == kept


def test_markup_of_an_operator_runs_nowhere():
    page = Page(as_html(small('<script>alert(1)</script><img src=x onerror="x">'), EN))
    assert not {"script", "img"} & {tag for tag, _ in page.tags}
    assert "<script>alert(1)</script>" in page.words


def test_a_document_that_is_not_made_here_is_not_found():
    with pytest.raises(NotFoundError, match="assessment-PURPOSE"):
        single(dossier(), "assessment-elsewhere")
