"""/v1/credentials: an officer issues, lists and revokes who may call in."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from countenance.api.door import Call, Calling, Route
from countenance.api.wire import RECORD_EXAMPLE, Instant, RecordPointer, Ref, Shown
from countenance.errors import NotFoundError
from countenance.operations import credentials as operation
from countenance.reception.body import Form, refuse_field
from countenance.reception.words import Code, Words
from countenance.store import credentials as store
from countenance.store import subjects
from countenance.store.database import Transaction
from countenance.vocabulary import Role


class IssueForm(Form):
    """For whom: a role, and what it is bound to: a device, a subject, or a member of staff who holds it."""

    role: Role
    label: Words
    device: Code | None = None
    subject: Ref | None = None
    staff: Annotated[Code | None, Field(description="The member of staff who holds an officer's credential.")] = None
    expires_at: Instant | None = None


class IssueAnswer(Shown):
    """A new credential; `token` is shown this once."""

    credential: str
    token: str
    record: RecordPointer

    def __repr__(self) -> str:
        """Show the public id only."""
        return f"IssueAnswer({self.credential})"

    __str__ = __repr__


class CredentialShown(Shown):
    """A credential as it stands on file, without its secret."""

    credential: str
    role: Role
    label: str
    device: str | None
    staff: str | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class Credentials(Shown):
    """All credentials, oldest first."""

    credentials: list[CredentialShown]


class RevokeAnswer(Shown):
    """The receipt of a revocation; the credential opens nothing from the next request on."""

    credential: str
    record: RecordPointer


async def issue(call: Calling) -> IssueAnswer:
    """Make a credential; its token is shown in this answer and never again."""
    sent = await call.sent()

    def act() -> IssueAnswer:
        form = sent.form(IssueForm)
        at = call.house.clock()
        if form.expires_at is not None and form.expires_at <= at:
            refuse_field("expires_at")
        with call.house.database.transaction() as tx:
            issued = _issue(tx, call, form, at)
            caller, done = call.caller, (issued.credential_id, form.role.value, at)
            recorded = operation.record_credential(
                tx, caller.operator_id, caller.named, "issued", *done, staff_id=form.staff
            )
        return IssueAnswer(credential=issued.credential_id, token=issued.token, record=RecordPointer.of(recorded))

    return await call.work(act)


def _issue(tx: Transaction, call: Call, form: IssueForm, at: datetime) -> operation.Issued:
    operator_id, subject_id = call.caller.operator_id, None
    if form.subject is not None:
        subject = subjects.find(tx, operator_id, form.subject)
        if subject is None:
            raise NotFoundError("No such subject is on file.", "该个人未登记。")
        subject_id = subject.subject_id
    return operation.issue(
        tx,
        operator_id,
        form.role,
        label=form.label,
        at=at,
        device_id=form.device,
        subject_id=subject_id,
        staff_id=form.staff,
        expires_at=form.expires_at,
    )


async def credentials(call: Calling) -> Credentials:
    """List the credentials."""

    def act() -> list[dict[str, Any]]:
        with call.house.database.transaction() as tx:
            return store.listed(tx, call.caller.operator_id)

    rows = await call.work(act)
    shown = ("role", "label", "created_at", "expires_at", "revoked_at")
    return Credentials.model_validate(
        {
            "credentials": [
                {"credential": row["credential_id"], "device": row["device_id"], "staff": row["staff_id"]}
                | {name: row[name] for name in shown}
                for row in rows
            ]
        }
    )


async def revoke(call: Calling, credential_id: str) -> RevokeAnswer:
    """Revoke a credential; the last working one of an officer stays, or nobody could issue another."""

    def act() -> RevokeAnswer:
        caller = call.caller
        with call.house.database.transaction() as tx:
            recorded = operation.revoke(tx, caller.operator_id, caller.named, credential_id, call.house.clock())
        return RevokeAnswer(credential=credential_id, record=RecordPointer.of(recorded))

    return await call.work(act)


_SHOWN = {
    "credential": "abcdefghijkl",
    "role": "device",
    "label": "kiosk beside the desk",
    "device": "kiosk-1",
    "staff": None,
    "created_at": "2026-11-23T02:00:00Z",
    "expires_at": None,
    "revoked_at": None,
}

ROUTES = (
    Route(
        method="POST",
        path="/v1/credentials",
        endpoint=issue,
        roles=(Role.OFFICER,),
        tag="credentials",
        answer=IssueAnswer,
        status=201,
        example={"credential": "abcdefghijkl", "token": "cn_abcdefghijkl_…", "record": RECORD_EXAMPLE},
        form=IssueForm,
        form_example={"role": "device", "label": "kiosk beside the desk", "device": "kiosk-1"},
        problems=("not_found",),
    ),
    Route(
        method="GET",
        path="/v1/credentials",
        endpoint=credentials,
        roles=(Role.OFFICER,),
        tag="credentials",
        answer=Credentials,
        example={"credentials": [_SHOWN]},
    ),
    Route(
        method="DELETE",
        path="/v1/credentials/{credential_id}",
        endpoint=revoke,
        roles=(Role.OFFICER,),
        tag="credentials",
        answer=RevokeAnswer,
        example={"credential": "abcdefghijkl", "record": RECORD_EXAMPLE},
        problems=("not_found", "conflict"),
    ),
)
