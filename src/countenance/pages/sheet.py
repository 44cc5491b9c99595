"""The sheet of paper: a notice with its questions, to be printed, read, answered and signed by hand."""

from dataclasses import replace
from typing import Any

from starlette.responses import Response

from countenance.errors import NotFoundError
from countenance.operations.offered import WANTED
from countenance.pages.door import Page, Session, Visit
from countenance.pages.serving import titled
from countenance.reception.body import Form
from countenance.reception.words import Code
from countenance.store import sites
from countenance.subjects.notices import text_of
from countenance.vocabulary import Language, Scope, Variant


class SheetQuery(Form):
    """Which notice is printed, and in which language."""

    purpose: Code
    language: Language


async def sheet(visit: Visit) -> Response:
    """Show the notice in force as a sheet in the language of whoever will read it, with its version on it."""
    query = visit.asked(SheetQuery)

    def act() -> dict[str, Any]:
        operator_id = visit.caller.operator_id
        with visit.house.database.reading() as tx:
            notices = sites.notices(tx, operator_id, query.purpose)
            titles = {row["code"]: row["title"] for row in sites.read(tx, operator_id, "purpose")}
            (operator,) = sites.read(tx, operator_id, "operator")
        if not notices:
            raise NotFoundError(
                "There is no notice for this purpose. Publish one in the site file.",
                "该目的没有告知书。请在站点文件中发布。",
            )
        text = text_of(notices[0]["text"], query.language.value, Variant.STANDARD.value)
        return {
            "operator": operator,
            "title": titles[query.purpose],
            "version": notices[0]["version"],
            "items": titled(text, query.language),
            "scopes": [scope for scope in Scope if scope in WANTED],
        }

    reader = replace(visit, language=query.language.value)
    return reader.show("sheet.html", **await visit.work(act))


PAGES = (Page(method="GET", path="/console/desk/sheet", endpoint=sheet, who=Session.STAFF),)
