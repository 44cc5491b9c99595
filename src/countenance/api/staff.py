"""/v1/staff: an officer puts people on the list of those who can hold an officer's credential, and retires them."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from countenance.api.activate import code_of
from countenance.api.door import Calling, Route
from countenance.api.wire import RECORD_EXAMPLE, RecordPointer, Shown
from countenance.operations import staff as operation
from countenance.reception.body import Form
from countenance.reception.words import Code, Words
from countenance.store import staff as store
from countenance.vocabulary import Role


class StaffForm(Form):
    """Whom: a code that will mean this person for ever, and the name."""

    staff: Annotated[Code, Field(description="Stands in records, so choose a dull one, such as a staff number.")]
    name: Annotated[Words, Field(description="Stands on the list and nowhere else.")]


class RetireForm(Form):
    """Nothing has to be said."""


class StaffAnswer(Shown):
    """The receipt of a step: added or retired."""

    staff: str
    outcome: str
    record: RecordPointer


class RetireAnswer(StaffAnswer):
    """The receipt of a retirement, with how many credentials open nothing from the next request on."""

    credentials: int


class StaffShown(Shown):
    """One member of staff."""

    staff: str
    name: str
    active: bool
    created_at: datetime


class StaffList(Shown):
    """All members of staff, retired ones too."""

    staff: list[StaffShown]


async def staff(call: Calling) -> StaffList:
    """List the members of staff who can hold an officer's credential, and those who are retired."""

    def act() -> StaffList:
        with call.house.database.transaction() as tx:
            rows = store.listed(tx, call.caller.operator_id)
        return StaffList(
            staff=[
                StaffShown(staff=row.staff_id, name=row.name, active=row.active, created_at=row.created_at)
                for row in rows
            ]
        )

    return await call.work(act)


async def add_staff(call: Calling) -> StaffAnswer:
    """Put a person on the list of staff; who did that, and when, is on record."""
    sent = await call.sent()

    def act() -> StaffAnswer:
        form = sent.form(StaffForm)
        at, operator_id = call.house.clock(), call.caller.operator_id
        with call.house.database.transaction() as tx:
            recorded = operation.add_staff(tx, operator_id, call.caller.named, form.staff, form.name, at)
        return StaffAnswer(staff=form.staff, outcome="added", record=RecordPointer.of(recorded))

    return await call.work(act)


async def retire_staff(call: Calling, staff_id: str) -> RetireAnswer:
    """Retire a member of staff: every credential they hold is revoked."""
    sent = await call.sent()

    def act() -> RetireAnswer:
        sent.form(RetireForm)
        at, operator_id, code = call.house.clock(), call.caller.operator_id, code_of(staff_id)
        with call.house.database.transaction() as tx:
            done = operation.retire_staff(tx, operator_id, call.caller.named, code, at)
        pointer = RecordPointer.of(done.recorded)
        return RetireAnswer(staff=code, outcome="retired", record=pointer, credentials=done.credentials)

    return await call.work(act)


_SHOWN = {"staff": "staff-12", "name": "The night manager", "active": True, "created_at": "2026-11-23T02:00:00Z"}

ROUTES = (
    Route(
        method="GET",
        path="/v1/staff",
        endpoint=staff,
        roles=(Role.OFFICER,),
        tag="credentials",
        answer=StaffList,
        example={"staff": [_SHOWN]},
    ),
    Route(
        method="POST",
        path="/v1/staff",
        endpoint=add_staff,
        roles=(Role.OFFICER,),
        tag="credentials",
        answer=StaffAnswer,
        status=201,
        example={"staff": "staff-12", "outcome": "added", "record": RECORD_EXAMPLE},
        form=StaffForm,
        form_example={"staff": "staff-12", "name": "The night manager"},
        problems=("conflict",),
    ),
    Route(
        method="POST",
        path="/v1/staff/{staff_id}/retire",
        endpoint=retire_staff,
        roles=(Role.OFFICER,),
        tag="credentials",
        answer=RetireAnswer,
        example={"staff": "staff-12", "outcome": "retired", "record": RECORD_EXAMPLE, "credentials": 1},
        form=RetireForm,
        problems=("not_found", "conflict"),
    ),
)
