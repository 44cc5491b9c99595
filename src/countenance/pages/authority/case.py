"""A filing: what was filed, its documents, what was said about it, and what a clerk decides."""

import json
from typing import Annotated, Final
from urllib.parse import quote

from pydantic import Field
from starlette.responses import Response

from countenance.pages.authority.door import Clerks, Page, Visit
from countenance.reception.body import Form
from countenance.reception.words import Prose, Sha256

#: What turns the direction of a text could make a name end otherwise than the file does.
_TURNING: Final = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])


class AcceptForm(Form):
    """The filing that was seen, and the number under which it goes into the register, none for the next one."""

    seen: Sha256
    number: Annotated[str, Field(max_length=64)] | None = None


class ToOperatorForm(Form):
    """The filing that was seen, and what its operator is asked or told."""

    seen: Sha256
    text: Prose


async def case(visit: Visit) -> Response:
    """Show a filing."""
    number = visit.number("case")
    found = await visit.work(lambda: visit.desk.case(number))
    snapshot = json.dumps(dict(found.case.snapshot), ensure_ascii=False, indent=2, sort_keys=True)
    return visit.show("case.html", case=found.case, said=found.said, snapshot=snapshot)


async def document(visit: Visit) -> Response:
    """Hand out a file of a filing: to be kept, never to be run or shown here."""
    number, sha256 = visit.number("case"), visit.named("sha256")
    name, media_type, content = await visit.work(lambda: visit.desk.attachment(number, sha256))
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name.translate(_TURNING), safe='')}"}
    return Response(content, media_type=media_type, headers=headers)


async def accepted(visit: Visit) -> Response:
    """Take a filing into the register."""
    number, form = visit.number("case"), visit.form(AcceptForm)
    await visit.work(lambda: visit.desk.accept(number, visit.clerk.name, form.number, seen=form.seen))
    return visit.go(f"/desk/cases/{number}")


async def returned(visit: Visit) -> Response:
    """Give a filing back for correction."""
    number, form = visit.number("case"), visit.form(ToOperatorForm)
    await visit.work(lambda: visit.desk.give_back(number, visit.clerk.name, form.text, seen=form.seen))
    return visit.go(f"/desk/cases/{number}")


async def asked(visit: Visit) -> Response:
    """Ask the operator about a filing."""
    number, form = visit.number("case"), visit.form(ToOperatorForm)
    await visit.work(lambda: visit.desk.ask(number, visit.clerk.name, form.text, seen=form.seen))
    return visit.go(f"/desk/cases/{number}")


PAGES = (
    Page(method="GET", path="/desk/cases/{case}", endpoint=case, who=Clerks()),
    Page(method="GET", path="/desk/cases/{case}/documents/{sha256}", endpoint=document, who=Clerks()),
    Page(method="POST", path="/desk/cases/{case}/accept", endpoint=accepted, who=Clerks()),
    Page(method="POST", path="/desk/cases/{case}/return", endpoint=returned, who=Clerks()),
    Page(method="POST", path="/desk/cases/{case}/ask", endpoint=asked, who=Clerks()),
)
