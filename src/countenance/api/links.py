"""POST /v1/links: an officer makes a one-time link by which a person comes to what is held of them."""

from datetime import datetime

from countenance import access
from countenance.api.door import Calling, Route
from countenance.api.wire import RECORD_EXAMPLE, RecordPointer, Ref, Shown
from countenance.reception.body import Form
from countenance.vocabulary import Role


class LinkForm(Form):
    """Whom the link is for."""

    subject: Ref


class LinkAnswer(Shown):
    """A one-time link; it is shown this once, and works once, until it ends."""

    url: str
    expires_at: datetime
    record: RecordPointer

    def __repr__(self) -> str:
        """Show until when it can be used."""
        return f"LinkAnswer({self.expires_at.isoformat()})"

    __str__ = __repr__


async def issue_link(call: Calling) -> LinkAnswer:
    """Make a one-time link to a person's own page; it is shown in this answer and never again."""
    sent = await call.sent()

    def act() -> LinkAnswer:
        made = access.issue_link(call.house, call.caller, sent.form(LinkForm).subject)
        # What follows # is not sent with a request, so that no log on the way holds it.
        url = f"{call.door.settings.public_url.rstrip('/')}/me#{made.token}"
        return LinkAnswer(url=url, expires_at=made.expires_at, record=RecordPointer.of(made.recorded))

    return await call.work(act)


ROUTES = (
    Route(
        method="POST",
        path="/v1/links",
        endpoint=issue_link,
        roles=(Role.OFFICER,),
        tag="requests",
        answer=LinkAnswer,
        status=201,
        example={
            "url": "https://faces.harbour-hotel.example/me#cl_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG",
            "expires_at": "2026-11-23T02:30:00Z",
            "record": RECORD_EXAMPLE,
        },
        form=LinkForm,
        form_example={"subject": "booking-4711"},
        problems=("not_found",),
    ),
)
