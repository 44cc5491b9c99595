"""The documents of a filing: what is missing in them first, then each of them and the whole package to be fetched."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field
from starlette.responses import Response

from countenance.errors import NotFoundError
from countenance.filing.documents.assessment import assessment
from countenance.filing.documents.package import BUILDERS, RENDERED, documents
from countenance.filing.documents.words import word
from countenance.filing.duty import reports
from countenance.operations.assess import purpose_of
from countenance.operations.dossier import Sources, gather
from countenance.operations.package import document, package, pia_file
from countenance.pages.door import Page, Session, Visit
from countenance.reception.body import Form
from countenance.reception.words import Code
from countenance.vocabulary import FilingKind, Language

_OF_A_PURPOSE: Final = "assessment-"
#: What nobody has answered in an assessment is one line here, and asked on a page of its own.
_QUESTION: Final = "question."
#: The file that the PIA tool of the French authority imports; an assessment alone has one.
_PIA: Final = "pia"
#: Nothing that is made here is shown by the browser on this address: it is saved, and opened from there.
_SAVED: Final = "application/octet-stream"


class DocumentsQuery(Form):
    """Under which pack what is filed; left out, what is due."""

    pack: Code | None = None
    act: FilingKind | None = None


class DocumentQuery(Form):
    """Which document, in which language and form."""

    pack: Code
    name: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,80}$")]
    language: Language = Language.ZH
    form: Literal["docx", "html", "json", "pia"] = "docx"


class PackageQuery(Form):
    """The package of which act."""

    pack: Code
    act: FilingKind


async def listed(visit: Visit) -> Response:
    """List what is missing, and every document."""
    query, sources = visit.asked(DocumentsQuery), _sources(visit)
    operator_id, at = visit.caller.operator_id, visit.house.clock()

    def act() -> dict[str, Any]:
        with sources.database.reading() as tx:
            demands = {each.pack: each.demands for each in reports(tx, sources.packs, operator_id, at)}
        packs = list(demands) or sorted(sources.packs.names)
        pack = query.pack or next((name for name, kind in demands.items() if kind is not None), packs[0])
        chosen = query.act or demands.get(pack) or FilingKind.FIRST
        dossier = gather(sources, operator_id, pack, at)
        packed = documents(dossier, chosen)
        marks = packed[0].missing()
        made = [*(build(dossier) for build in BUILDERS.values()), *(assessment(dossier, p) for p in dossier.purposes)]
        return {
            "packs": packs,
            "pack": pack,
            "act": chosen,
            "acts": [(kind, word(kind)) for kind in FilingKind],
            "missing": [each for each in marks if not each.by_hand and not each.key.startswith(_QUESTION)],
            "questions": sum(each.key.startswith(_QUESTION) for each in marks),
            "by_hand": [each for each in marks if each.by_hand],
            "documents": made,
            "packed": {each.name for each in packed},
            "purposes": dossier.purposes,
            "today": dossier.today,
        }

    found = await visit.work(act)
    return visit.show("filing_documents.html", forms=list(RENDERED), of_a_purpose=_OF_A_PURPOSE, **found)


async def fetched(visit: Visit) -> Response:
    """Return one document as a file."""
    query, sources = visit.asked(DocumentQuery), _sources(visit)
    operator_id, at = visit.caller.operator_id, visit.house.clock()

    def act() -> tuple[str, str, bytes]:
        if query.form == _PIA:
            if not query.name.startswith(_OF_A_PURPOSE):
                raise NotFoundError("Only an assessment goes into the PIA tool.", "仅影响评估可导入 PIA 工具。")
            dossier = gather(sources, operator_id, query.pack, at)
            file = pia_file(dossier, purpose_of(dossier, query.name.removeprefix(_OF_A_PURPOSE)))
            return f"{query.name}-pia.json", file.media_type, file.content
        file = document(sources, operator_id, query.pack, at, query.name, language=query.language, ending=query.form)
        return f"{query.name}-{query.language.value}.{query.form}", file.media_type, file.content

    return _saved(*await visit.work(act))


async def packed(visit: Visit) -> Response:
    """Return the whole package of an act, in both languages."""
    query, sources = visit.asked(PackageQuery), _sources(visit)
    operator_id, at = visit.caller.operator_id, visit.house.clock()
    made = await visit.work(lambda: package(sources, operator_id, query.pack, query.act, at))
    return _saved(f"{operator_id}-{query.pack}-{query.act.value}.zip", "application/zip", made)


def _sources(visit: Visit) -> Sources:
    return Sources.of(visit.house, visit.behind.settings)


def _saved(name: str, media_type: str, content: bytes) -> Response:
    """Return a file to be saved; its name is made of words from closed lists and of codes, which have no others."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    kind = _SAVED if media_type == RENDERED["html"] else media_type
    return Response(content, media_type=kind, headers=headers)


PAGES = (
    Page(method="GET", path="/console/filing/documents", endpoint=listed, who=Session.STAFF),
    Page(method="GET", path="/console/filing/document", endpoint=fetched, who=Session.STAFF),
    Page(method="GET", path="/console/filing/package", endpoint=packed, who=Session.STAFF),
)
