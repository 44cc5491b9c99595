"""Expire: destroy what has outlived its purpose's retention, of every subject, and record it.

With it go originals whose time is over, the names on authorisations that have ended, the answers kept for repeats,
links that nobody used, credentials of sessions long over, choices that no window reaches any more, requests closed long
ago, receipts that have expired, challenges nobody can answer any more, and the link of people without an account to
sessions long over. Requests that nobody answered in time are recorded.
"""

from datetime import datetime, timedelta
from typing import Final

from countenance.forget import Destroyed, count_off, forget_expired, forget_originals
from countenance.operations.certificates import Act, certify
from countenance.operations.memory import let_go
from countenance.operations.parts import House
from countenance.operations.requests import ANSWER_READ, sweep_requests
from countenance.record import Entry, append
from countenance.store import (
    answered,
    authorisations,
    budgets,
    challenges,
    choices,
    credentials,
    erasures,
    links,
    receipts,
)
from countenance.store import subjects as store
from countenance.store.database import Transaction

#: A person without an account has this long to ask about a session; then its record names nobody.
SESSION_OVER: Final = timedelta(days=1)
#: For so long the list of credentials still shows a session that has ended; the records show it for ever.
SIGNED_OUT: Final = timedelta(days=30)


def expire(house: House, operator_id: str) -> list[Destroyed]:
    """Destroy the keys, references and originals that have outlived their time or their consent; return what went."""
    at = house.clock()
    vault = house.vault(operator_id)
    with house.database.transaction() as tx:
        gone = [*forget_expired(tx, operator_id, at), *forget_originals(tx, operator_id, at)]
        answered.let_go(tx, operator_id, at)
        links.let_go(tx, operator_id, at)
        receipts.let_go(tx, operator_id, at)
        challenges.let_go(tx, operator_id, at)
        budgets.let_go(tx, operator_id, at)
        credentials.let_go(tx, operator_id, at - SIGNED_OUT)
        erasures.let_go(tx, operator_id, at - timedelta(days=house.backup_days))
        _end_sessions(tx, house, operator_id, at)
        sweep_requests(tx, house, operator_id, at)
        choices.let_go(tx, operator_id, at)
        for authorisation_id, named in authorisations.close_ended(tx, operator_id, at):
            said = {"authorisation": str(authorisation_id), "subjects": named}
            entry = Entry(
                operator_id=operator_id, at=at, kind="authorisation", outcome="expired", by="server", details=said
            )
            append(tx, entry)
        for each in gone:
            subject = store.find_id(tx, operator_id, each.subject_id)
            linked = subject is not None and subject.linking_key is not None
            append(
                tx,
                Entry(
                    operator_id=operator_id,
                    at=at,
                    kind="expire",
                    outcome="expired",
                    by="server",
                    subject_mark=vault.mark(subject.linking_key, each.subject_id)
                    if linked and subject and subject.linking_key
                    else None,
                    details={"destroyed": each.as_json()},
                ),
            )
        count_off(tx, operator_id, gone, at)  # last: whoever enrols at this moment waits for it
    for each in gone:
        let_go(house, operator_id, each.purposes, each.subject_id, each.reference_ids)
        house.count("expire", "expired")
    return gone


def _end_sessions(tx: Transaction, house: House, operator_id: str, at: datetime) -> None:
    """Cut the link of people without an account to sessions long over, and certify that to those who hold a receipt."""
    over = store.unlink_sessions(tx, operator_id, at - SESSION_OVER, at - ANSWER_READ)
    if not over:
        return
    said = {"sessions": len(over)}
    recorded = append(
        tx, Entry(operator_id=operator_id, at=at, kind="expire", outcome="over", by="server", details=said)
    )
    for subject_id in over:
        certify(tx, house, Act.OVER, operator_id, Destroyed(subject_id, 0, (), ()), recorded)
