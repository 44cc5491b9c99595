"""What records say was done, as far as it can be looked for: decisions, references, credentials, authorisations."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from countenance.store.database import Transaction
from countenance.store.permitted_tables import authorisation
from countenance.store.tables import consent_event, credential, reference

_WITHDRAWN = "withdrawn"


def decisions(tx: Transaction, operator_id: str) -> set[UUID]:
    """Return every decision of a subject that is on file; one that was taken back stands beside it."""
    query = select(consent_event.c.event_id).where(
        consent_event.c.operator_id == operator_id, consent_event.c.kind != _WITHDRAWN
    )
    return set(tx.execute(query).scalars())


def references(tx: Transaction, operator_id: str) -> dict[UUID, datetime]:
    """Return every reference that is kept, and since when."""
    query = select(reference.c.reference_id, reference.c.created_at).where(reference.c.operator_id == operator_id)
    return {row.reference_id: row.created_at for row in tx.execute(query)}


def credentials(tx: Transaction, operator_id: str, since: datetime) -> set[str]:
    """Return the credentials that were made since an instant and are on file."""
    query = select(credential.c.credential_id).where(
        credential.c.operator_id == operator_id, credential.c.created_at >= since
    )
    return set(tx.execute(query).scalars())


def authorisations(tx: Transaction, operator_id: str, since: datetime) -> set[str]:
    """Return the authorisations that were asked for since an instant and are on file."""
    query = select(authorisation.c.authorisation_id).where(
        authorisation.c.operator_id == operator_id, authorisation.c.asked_at >= since
    )
    return {str(each) for each in tx.execute(query).scalars()}
