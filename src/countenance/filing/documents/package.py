"""The package: which documents an act consists of, each rendered, in one archive with a manifest."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from countenance.answer import Text
from countenance.errors import NotFoundError
from countenance.filing.documents import acts, figures, forms, protection, statements
from countenance.filing.documents.assessment import assessment
from countenance.filing.documents.dossier import Dossier
from countenance.filing.documents.heading import heading
from countenance.filing.documents.html_page import as_html
from countenance.filing.documents.tree import Document, Grid, Section, contents, digest
from countenance.filing.documents.word_file import as_docx, still
from countenance.filing.documents.words import word
from countenance.vocabulary import FilingKind, Language

MANIFEST: Final = "manifest.json"
COVER: Final = "cover"
FORMAT: Final = "countenance-package/1"

Builder = Callable[[Dossier], Document]
#: Every document that is one for an operator; the assessments are one for each purpose, the checklist rests on others.
BUILDERS: Final[Mapping[str, Builder]] = MappingProxyType(
    {
        forms.FORM_1: forms.form_1,
        forms.FORM_2: forms.form_2,
        "necessity": statements.necessity,
        "purpose-and-method": statements.purpose_and_method,
        "safeguards": protection.safeguards,
        "rules-and-procedures": statements.rules,
        "numbers": figures.numbers,
        "public-places": protection.public_places,
        "control-evidence": protection.control_evidence,
        protection.RETENTION: protection.retention_schedule,
        "threshold-statement": figures.statement,
        "change": acts.change,
        "deregistration": acts.deregistration,
    }
)
_FIRST: Final = (
    forms.FORM_1, forms.FORM_2, "necessity", "purpose-and-method", "safeguards", "rules-and-procedures", "numbers",
    "public-places", "control-evidence", protection.RETENTION,
)  # fmt: skip
_OF_ACT: Final[Mapping[FilingKind, tuple[str, ...]]] = MappingProxyType(
    {
        FilingKind.FIRST: _FIRST,
        FilingKind.CHANGE: ("change", *_FIRST),
        FilingKind.DEREGISTRATION: ("deregistration", forms.FORM_1, "numbers", "control-evidence"),
    }
)


@dataclass(frozen=True, slots=True)
class Enclosure:
    """One file of a package."""

    name: str
    media_type: str
    content: bytes

    @property
    def sha256(self) -> str:
        """Return the digest of the content, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


_DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
#: The forms in which a document is rendered: the ending, and what kind of file it is.
RENDERED: Final[Mapping[str, str]] = MappingProxyType({"docx": _DOCX, "html": "text/html", "json": "application/json"})


def render(document: Document, language: Language, ending: str) -> Enclosure:
    """Return a document as a file of one kind in one language."""
    if ending == "docx":
        content = as_docx(document, language)
    elif ending == "html":
        content = as_html(document, language)
    else:
        said = contents(document, language) | {"digest": digest(document, language)}
        content = (json.dumps(said, ensure_ascii=False, indent=1) + "\n").encode()
    return Enclosure(f"{language.value}/{document.name}.{ending}", RENDERED[ending], content)


def documents(dossier: Dossier, act: FilingKind) -> tuple[Document, ...]:
    """Return the documents of an act: the cover first, which lists what is missing in all of them."""
    made = [BUILDERS[name](dossier) for name in _OF_ACT[act]]
    assessments = [] if act is FilingKind.DEREGISTRATION else [assessment(dossier, each) for each in dossier.purposes]
    by_item = {each.name: [each] for each in made} | {forms.ASSESSMENT: assessments}
    every = [*made, *assessments, forms.checklist(dossier, by_item)]
    return (_cover(dossier, act, every), *every)


def single(dossier: Dossier, name: str) -> Document:
    """Return one document by the name of its file; raises NotFoundError for one that is not made here."""
    if name in BUILDERS:
        return BUILDERS[name](dossier)
    for purpose in dossier.purposes:
        if name == f"assessment-{purpose.code}":
            return assessment(dossier, purpose)
    known = ", ".join([*BUILDERS, "assessment-PURPOSE"])
    raise NotFoundError(f"There is no such document. There are: {known}", f"没有该文件。可用：{known}")


def _cover(dossier: Dossier, act: FilingKind, every: Iterable[Document]) -> Document:
    """Return the cover: what is filed, which documents there are, and all that is missing anywhere, at its front."""
    header = (Text("Document", "文件"), Text("Name of its file", "文件名"))
    rows = tuple((each.title, each.name) for each in every)
    marks = {mark.key: mark for each in every for mark in each.missing()}
    kind = word(act)
    return Document(
        COVER,
        Text(f"{kind.en}: {dossier.pack.title.en}", f"{kind.zh}：{dossier.pack.title.zh}"),
        heading(dossier),
        (
            Section(
                Text("Contents", "目录"),
                (Grid(Text("Documents of this package", "材料包内文件"), header, rows),),
            ),
        ),
        tuple(marks.values()),
    )


def package(
    dossier: Dossier, act: FilingKind, languages: Iterable[Language], attachments: Iterable[Enclosure] = ()
) -> bytes:
    """Return the archive of an act: every document in each language and form, `attachments`, and a manifest."""
    made, asked = documents(dossier, act), tuple(languages)
    files = [render(each, language, ending) for language in asked for each in made for ending in RENDERED]
    files += attachments
    cover = made[0]
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "operator": dossier.handler.id,
        "act": act.value,
        "pack": dossier.pack.name,
        "made_at": cover.heading.made_at,
        "law": [{"pack": each.name, "edition": each.edition} for each in dossier.packs],
        "missing": [each.key for each in cover.missing() if not each.by_hand],
        "by_hand": [each.key for each in cover.missing() if each.by_hand],
        "snapshot": dict(dossier.snapshot),
        "files": [
            {"name": each.name, "media_type": each.media_type, "size": len(each.content), "sha256": each.sha256}
            for each in files
        ],
    }
    listed = Enclosure(
        MANIFEST, "application/json", (json.dumps(manifest, ensure_ascii=False, indent=1) + "\n").encode()
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for each in (listed, *files):
            kind = zipfile.ZIP_STORED if each.name.endswith(".docx") else zipfile.ZIP_DEFLATED
            archive.writestr(still(each.name), each.content, kind)
    return out.getvalue()
