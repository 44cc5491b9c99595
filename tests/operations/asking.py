"""What tests of requests share: a subject who calls by itself, and everything that the database holds."""

from dataclasses import replace

from sqlalchemy import text

from countenance.operations.parts import Caller
from countenance.operations.requests import open_request
from countenance.store import subjects
from countenance.subjects.requests import NewRequest, Request
from countenance.vocabulary import RequestKind, Role
from tests.database import OPERATOR, Hotel


def subject(hotel: Hotel, ref: str = "guest") -> Caller:
    """Return the caller that a credential of this subject makes."""
    with hotel.house.database.transaction() as tx:
        found = subjects.find(tx, OPERATOR, ref)
    assert found is not None
    return Caller(OPERATOR, "subjectsubje", Role.SUBJECT, subject_id=found.subject_id)


def asked(hotel: Hotel, ref: str = "guest", **changes: object) -> Request:
    """Let a subject open a request and return it."""
    wanted = NewRequest(kind=RequestKind.COMPLAIN, text="The kiosk shouted at me.")
    request, _ = open_request(hotel.house, subject(hotel, ref), replace(wanted, **changes))  # type: ignore[arg-type]
    return request


def everything(hotel: Hotel) -> list[str]:
    """Return every row of every table as text, bytes in hexadecimal."""
    with hotel.house.database.transaction() as tx:
        names = tx.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars().all()
        return [row for name in names for row in tx.execute(text(f'SELECT t::text FROM "{name}" t')).scalars()]
