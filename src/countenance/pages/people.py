"""Staff and credentials: who can act as officer, which device holds which key to the door, and how each is ended."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field
from starlette.responses import Response

from countenance.answer import Text
from countenance.operations.credentials import issue, record_credential, revoke
from countenance.operations.sign_in import Invited, address, invite, pairing
from countenance.operations.staff import NAME_CHARS_MAX, add_staff, retire_staff
from countenance.pages.door import Page, Session, Visit
from countenance.pages.qr import svg
from countenance.reception.body import Form
from countenance.reception.words import Code
from countenance.store import credentials, sites, staff
from countenance.vocabulary import Role


class NewStaffForm(Form):
    """Whom to put on the list."""

    staff: Code
    name: Annotated[str, Field(min_length=1, max_length=NAME_CHARS_MAX)]


class StaffForm(Form):
    """Which member of staff."""

    staff: Code


class DeviceForm(Form):
    """Which device gets a credential."""

    device: Code


class CredentialForm(Form):
    """Which credential is ended."""

    credential: Annotated[str, Field(pattern=r"^[a-z2-7]{12}$")]


async def people(visit: Visit) -> Response:
    """List staff and working credentials."""
    operator_id, at = visit.caller.operator_id, visit.house.clock()

    def act() -> dict[str, Any]:
        with visit.house.database.transaction() as tx:
            held = credentials.listed(tx, operator_id)
            return {
                "staff": staff.listed(tx, operator_id),
                "credentials": [row for row in held if _works(row, at)],
                "devices": [row for row in sites.read(tx, operator_id, "device") if not row["retired"]],
                "own": visit.caller.credential_id,
            }

    return visit.show("people.html", **await visit.work(act))


def _works(row: dict[str, Any], at: datetime) -> bool:
    return row["revoked_at"] is None and (row["expires_at"] is None or row["expires_at"] > at)


async def added(visit: Visit) -> Response:
    """Put somebody on the list, and show the invitation by which they choose a password."""
    form = visit.form(NewStaffForm)

    def act() -> None:
        with visit.house.database.transaction() as tx:
            caller = visit.caller
            add_staff(tx, caller.operator_id, caller.named, form.staff, form.name, visit.house.clock())

    await visit.work(act)
    return await _invited(visit, form.staff)


async def invited(visit: Visit) -> Response:
    """Invite a member of staff anew; what they signed in with before no longer works."""
    return await _invited(visit, visit.form(StaffForm).staff)


async def _invited(visit: Visit, staff_id: str) -> Response:
    def act() -> Invited:
        caller = visit.caller
        with visit.house.database.transaction() as tx:
            vault = visit.house.vault(caller.operator_id)
            return invite(tx, vault, caller.operator_id, caller.named, staff_id, visit.house.clock())

    made = await visit.work(act)
    link = address(visit.behind.settings.public_url, made.token)
    qr = svg(link, visit.say(Text("QR code of the invitation", "邀请二维码")))
    return visit.show("shown_once.html", about=staff_id, address=link, until=made.until, qr=qr)


async def retired(visit: Visit) -> Response:
    """Take somebody off the list; all their credentials and sessions end."""
    form = visit.form(StaffForm)

    def act() -> None:
        with visit.house.database.transaction() as tx:
            retire_staff(tx, visit.caller.operator_id, visit.caller.named, form.staff, visit.house.clock())

    await visit.work(act)
    return visit.go("/console/staff")


async def paired(visit: Visit) -> Response:
    """Issue a device's credential, as a link that pairs a browser with the kiosk."""
    device = visit.form(DeviceForm).device

    def act() -> str:
        at, caller = visit.house.clock(), visit.caller
        with visit.house.database.transaction() as tx:
            issued = issue(tx, caller.operator_id, Role.DEVICE, label="kiosk", at=at, device_id=device)
            record_credential(
                tx, caller.operator_id, caller.named, "issued", issued.credential_id, Role.DEVICE.value, at
            )
        return issued.token

    token = await visit.work(act)
    link = pairing(visit.behind.settings.public_url, device, token)
    qr = svg(link, visit.say(Text("QR code that pairs the kiosk", "自助机配对二维码")))
    return visit.show("shown_once.html", about=device, address=link, until=None, qr=qr)


async def revoked(visit: Visit) -> Response:
    """End a credential; the last of an officer stays."""
    which = visit.form(CredentialForm).credential

    def act() -> None:
        with visit.house.database.transaction() as tx:
            revoke(tx, visit.caller.operator_id, visit.caller.named, which, visit.house.clock())

    await visit.work(act)
    return visit.go("/console/staff")


PAGES = (
    Page(method="GET", path="/console/staff", endpoint=people, who=Session.STAFF),
    Page(method="POST", path="/console/staff/add", endpoint=added, who=Session.STAFF),
    Page(method="POST", path="/console/staff/invite", endpoint=invited, who=Session.STAFF),
    Page(method="POST", path="/console/staff/retire", endpoint=retired, who=Session.STAFF),
    Page(method="POST", path="/console/staff/pair", endpoint=paired, who=Session.STAFF),
    Page(method="POST", path="/console/staff/revoke", endpoint=revoked, who=Session.STAFF),
)
