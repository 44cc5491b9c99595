"""The operator's own words for the persons of whom something is stored, read a few at a time."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import BindParameter, bindparam, or_, select

from countenance.store.database import Transaction
from countenance.store.permitted_tables import original
from countenance.store.tables import subject, subject_key

_AT_ONCE: Final = 10_000
_OPERATOR: Final[BindParameter[str]] = bindparam("operator_id")
_STORED: Final = select(subject.c.ref).where(
    subject.c.operator_id == _OPERATOR,
    or_(
        *(
            select(held.c.subject_id)
            .where(held.c.operator_id == subject.c.operator_id, held.c.subject_id == subject.c.subject_id)
            .exists()
            for held in (subject_key, original)
        )
    ),
)


def stored(tx: Transaction, operator_id: str) -> Iterator[str | None]:
    """Yield a word for each person of whom a template or an original is stored, None where the operator has none."""
    rows = tx.execute(_STORED.execution_options(yield_per=_AT_ONCE), {"operator_id": operator_id})
    yield from rows.scalars()
