"""GET /v1/records: what was decided and done, newest first, without anything personal."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from countenance.api.door import Call, Calling, Route
from countenance.api.wire import Instant, Shown
from countenance.errors import NotFoundError
from countenance.reception.body import Form
from countenance.record import read
from countenance.store import records as store
from countenance.store import subjects
from countenance.vocabulary import Role

_WORD = r"^[a-z_]{1,40}$"


class RecordsQuery(Form):
    """Which records: of one kind or outcome, since an instant, at most so many."""

    kind: Annotated[str | None, Field(pattern=_WORD)] = None
    outcome: Annotated[str | None, Field(pattern=_WORD)] = None
    since: Instant | None = None
    most: Annotated[int, Field(ge=1, le=1000)] = 100


class SubjectRecordsQuery(Form):
    """How many of the newest records."""

    most: Annotated[int, Field(ge=1, le=1000)] = 100


class RecordShown(Shown):
    """One record as it is kept, its digest, and whether the two still agree."""

    record: dict[str, Any]
    digest: str
    intact: bool


class RecordsAnswer(Shown):
    """Records, newest first."""

    records: list[RecordShown]


async def records(call: Calling) -> RecordsAnswer:
    """List the operator's records."""
    query = call.asked(RecordsQuery)

    def act() -> RecordsAnswer:
        with call.house.database.transaction() as tx:
            rows = store.listed(
                tx,
                call.caller.operator_id,
                most=query.most,
                kind=query.kind,
                outcome=query.outcome,
                since=query.since,
            )
        return _answer(rows)

    return await call.work(act)


async def record(call: Calling, record_id: str) -> RecordShown:
    """Return one record."""

    def act() -> RecordShown:
        try:
            wanted = UUID(record_id)
        except ValueError:
            raise _nothing() from None
        with call.house.database.transaction() as tx:
            row = store.find(tx, call.caller.operator_id, wanted)
        if row is None:
            raise _nothing()
        return RecordShown.model_validate(read(row))

    return await call.work(act)


async def subject_records(call: Calling, ref: str) -> RecordsAnswer:
    """List what was done with one subject's data; a subject sees its own records and no others."""
    query = call.asked(SubjectRecordsQuery)
    return await call.work(lambda: _of_subject(call, ref, query.most))


def _of_subject(call: Call, ref: str, most: int) -> RecordsAnswer:
    caller = call.caller
    if not ref.isprintable():
        raise _nothing()
    with call.house.database.transaction() as tx:
        subject = subjects.find(tx, caller.operator_id, ref)
        if subject is None or subject.linking_key is None:
            raise _nothing()
        if caller.role is Role.SUBJECT and caller.subject_id != subject.subject_id:
            raise _nothing()
        mark = call.house.vault(caller.operator_id).mark(subject.linking_key, subject.subject_id)
        rows = store.listed(tx, caller.operator_id, most=most, subject_mark=mark)
    return _answer(rows)


def _answer(rows: Any) -> RecordsAnswer:
    return RecordsAnswer(records=[RecordShown.model_validate(read(row)) for row in rows])


def _nothing() -> NotFoundError:
    return NotFoundError("There is no such record or subject.", "没有该记录或个人。")


_SHOWN = {
    "record": {
        "format": 1,
        "id": "6f0e3bb6-6f3c-4b1e-9d2b-0a5a6b2f7c11",
        "operator": "harbour-hotel",
        "at": "2026-11-23T02:00:00+00:00",
        "kind": "verify",
        "outcome": "match",
        "by": "device:abcdefghijkl",
        "subject": "7d865e959b2466918c9863afca942d0f",
        "details": {"device": "kiosk-1"},
    },
    "digest": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "intact": True,
}

ROUTES = (
    Route(
        method="GET",
        path="/v1/records",
        endpoint=records,
        roles=(Role.OFFICER, Role.REGULATOR),
        tag="records",
        answer=RecordsAnswer,
        example={"records": [_SHOWN]},
        query=RecordsQuery,
    ),
    Route(
        method="GET",
        path="/v1/records/{record_id}",
        endpoint=record,
        roles=(Role.OFFICER, Role.REGULATOR),
        tag="records",
        answer=RecordShown,
        example=_SHOWN,
        problems=("not_found",),
    ),
    Route(
        method="GET",
        path="/v1/subjects/{ref:path}/records",
        endpoint=subject_records,
        roles=(Role.OFFICER, Role.SUBJECT),
        tag="records",
        answer=RecordsAnswer,
        example={"records": [_SHOWN]},
        query=SubjectRecordsQuery,
        problems=("not_found",),
    ),
)
