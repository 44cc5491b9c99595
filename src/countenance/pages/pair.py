"""Pairing: staff give a kiosk's browser its device's credential once; it is kept where no script can read it."""

from typing import Annotated

from pydantic import Field
from starlette.responses import Response

from countenance import access
from countenance.errors import NotAllowedError
from countenance.pages.door import Open, Page, Session, Visit
from countenance.reception.body import Form
from countenance.vocabulary import Role

#: A paired browser stays so until the credential is taken back, at most for this long; then it is paired anew.
_SECONDS = 90 * 86_400


class PairForm(Form):
    """The credential of the device."""

    token: Annotated[str, Field(max_length=200)]


async def pair(visit: Visit) -> Response:
    """Show where the credential goes; a link may bring it behind `#`, which no server sees."""
    return visit.show("pair.html")


async def paired(visit: Visit) -> Response:
    """Begin the kiosk's session, if the credential is this device's."""
    visit.step()
    token = visit.form(PairForm).token.strip()

    def act() -> bool:
        with visit.house.database.transaction() as tx:
            try:
                caller = access.authenticate(tx, token, visit.house.clock())
            except NotAllowedError:
                return False
        return caller.role is Role.DEVICE and caller.device_id == visit.device

    if not await visit.work(act):
        raise NotAllowedError(
            "This is not a credential of this device that stands. Ask the officer for one, and paste it whole.",
            "这不是此设备的有效凭证。请向保护负责人索取，并完整粘贴。",
            known=False,
        )
    return visit.begin(Session.KIOSK, token, _SECONDS, f"/kiosk/{visit.device}")


_WHY = Open("whoever holds the device's credential may pair a browser with it, and nobody else can")
PAGES = (
    Page(method="GET", path="/kiosk/{device}/pair", endpoint=pair, who=_WHY),
    Page(method="POST", path="/kiosk/{device}/pair", endpoint=paired, who=_WHY),
)
