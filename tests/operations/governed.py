"""What tests of governed actions share: findings, records, a trial article beside the packs, officers."""

import json
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from countenance import access
from countenance.law.pack import Packs
from countenance.law.shelf import load_pack
from countenance.operations.authorise import approve, ask_for
from countenance.operations.keep_original import Keeping
from countenance.operations.parts import Caller, Refused
from countenance.sites.authorisations import Wanted
from countenance.store import records, staff
from countenance.vocabulary import Ground, Role
from tests.database import KIOSK, OPERATOR, PURPOSE, Hotel
from tests.law.conftest import write_pack


def articles(answer: object) -> set[tuple[str | None, str | None]]:
    """Return the articles that refused."""
    assert isinstance(answer, Refused), answer
    return {(finding.pack, finding.article) for finding in answer.findings}


def bodies(hotel: Hotel) -> list[dict[str, Any]]:
    """Return what is on record, newest first."""
    with hotel.house.database.transaction() as tx:
        return [json.loads(row.body) for row in records.listed(tx, OPERATOR, most=100)]


def with_article(hotel: Hotel, number: str, cedar: str) -> Hotel:
    """Return the hotel judged by one more pack, `trial`, with one article."""
    folder = Path(tempfile.mkdtemp(prefix="cn-law-")) / "trial"
    return hotel.with_house(packs=Packs([*hotel.house.packs, load_pack(write_pack(folder, {number: cedar}))]))


def colleague(hotel: Hotel) -> str:
    """Put another person on the list of staff, with no record of it, and return the code."""
    code = f"staff-{uuid4().hex[:8]}"
    with hotel.house.database.transaction() as tx:
        assert staff.add(tx, staff.StaffRow(OPERATOR, code, "A colleague", active=True, created_at=hotel.clock()))
    return code


def officer(hotel: Hotel, staff_id: str | None = None) -> Caller:
    """Issue a credential to another person, or one more to the one named, and return the caller it makes."""
    held = staff_id or colleague(hotel)
    with hotel.house.database.transaction() as tx:
        issued = access.issue(tx, OPERATOR, Role.OFFICER, label="officer", at=hotel.clock(), staff_id=held)
        return access.authenticate(tx, issued.token, hotel.clock())


def wanted(hotel: Hotel, **changes: Any) -> Wanted:
    """Return what is asked for in an ordinary emergency of the next hour."""
    made = Wanted(
        purpose=PURPOSE,
        ground=Ground.EMERGENCY,
        requester="The parents of the child",
        requested_by_subject=True,
        issuer="City police",
        reference="2026-1123-07",
        devices=(KIOSK,),
        subjects=("guest",),
        starts_at=None,
        ends_at=hotel.clock() + timedelta(hours=1),
    )
    return replace(made, **changes)


def authorised(hotel: Hotel, approvers: int = 2, **changes: Any) -> UUID:
    """Put an authorisation on file that so many people have approved, and return its id."""
    officers = [officer(hotel) for _ in range(approvers + 1)]
    row, _ = ask_for(hotel.house, officers[0], wanted(hotel, **changes))
    for each in officers[1:]:
        approve(hotel.house, each, row.authorisation_id)
    return row.authorisation_id


def keeping(hotel: Hotel, **changes: object) -> Keeping:
    """Return what is declared when the guest's picture is kept for a week."""
    ends = hotel.clock() + timedelta(days=7)
    return replace(Keeping(subject_ref="guest", purpose=PURPOSE, device_id=KIOSK, expires_at=ends), **changes)  # type: ignore[arg-type]
