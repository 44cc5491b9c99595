"""Authorise: ask for an authorisation, approve it, revoke it; each by a person on the list of staff, each on record."""

from typing import Any
from uuid import UUID

from countenance.operations.parts import Caller, House
from countenance.record import Entry, Recorded, append
from countenance.sites import authorisations as rules
from countenance.store.authorisations import AuthorisationRow
from countenance.store.database import Transaction


def ask_for(house: House, caller: Caller, wanted: rules.Wanted) -> tuple[AuthorisationRow, Recorded]:
    """Put an authorisation on file, not approved by anybody yet. Raises what `sites.authorisations.ask_for` does."""
    at = house.clock()
    with house.database.transaction() as tx:
        row = rules.ask_for(tx, caller.operator_id, wanted, caller.credential_id, at)
        details = {
            "purpose": row.purpose,
            "ground": row.ground,
            "requested_by_subject": row.requested_by_subject,
            "devices": row.devices,
            "subjects": row.subjects_named,
            "starts_at": row.starts_at.isoformat(),
            "ends_at": row.ends_at.isoformat(),
            "staff": row.asked_by_staff,
        }
        recorded = _record(tx, house, caller, row, "asked", details)
    return row, recorded


def approve(house: House, caller: Caller, authorisation_id: UUID) -> tuple[AuthorisationRow, int, Recorded]:
    """Approve an authorisation and return how many people have. Raises what `sites.authorisations.approve` raises."""
    at = house.clock()
    with house.database.transaction() as tx:
        row, approvers = rules.approve(tx, caller.operator_id, authorisation_id, caller.credential_id, at)
        recorded = _record(tx, house, caller, row, "approved", {"approvers": approvers, "staff": caller.staff_id})
    return row, approvers, recorded


def revoke(house: House, caller: Caller, authorisation_id: UUID) -> tuple[AuthorisationRow, Recorded]:
    """End an authorisation at once: it binds at the next decision. Raises what `sites.authorisations.revoke` raises."""
    at = house.clock()
    with house.database.transaction() as tx:
        row = rules.revoke(tx, caller.operator_id, authorisation_id, caller.credential_id, at)
        recorded = _record(tx, house, caller, row, "revoked", {"subjects": row.subjects_named})
    return row, recorded


def _record(
    tx: Transaction, house: House, caller: Caller, row: AuthorisationRow, outcome: str, details: dict[str, Any]
) -> Recorded:
    """Record one step of an authorisation; who asked for it and about whom stays out."""
    recorded = append(
        tx,
        Entry(
            operator_id=caller.operator_id,
            at=house.clock(),
            kind="authorisation",
            outcome=outcome,
            by=caller.named,
            details={"authorisation": str(row.authorisation_id), **details},
        ),
    )
    house.count("authorisation", outcome)
    return recorded
