"""Consent: write down what a subject decided, yes or no, and give the receipt."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from countenance.forget import forget_purpose
from countenance.law.pack import Packs, article_order
from countenance.operations.certificates import Act, certify
from countenance.operations.memory import let_go
from countenance.operations.parts import Caller, House
from countenance.operations.receipts import ReceiptIssued, give
from countenance.operations.serve import desk_of
from countenance.record import Entry, Recorded, append
from countenance.store.subjects import ConsentEvent
from countenance.subjects.consents import GIVEN, REFUSED, Said, write_down
from countenance.vocabulary import Action, Scope


@dataclass(frozen=True, slots=True)
class Consented:
    """What a decision is answered with: its id, until when a yes stands, where it is on record; a yes has a receipt."""

    consent_id: UUID
    expires_at: datetime | None
    recorded: Recorded
    receipt: ReceiptIssued | None


def consent(house: House, caller: Caller, said: Said) -> Consented:
    """Write down a decision about one purpose. Raises what `subjects.consents.write_down` raises.

    A person without an account consents for the session only: the yes ends by itself after the operator's setting. A no
    destroys what was kept under an earlier yes.
    """
    at = house.clock()
    if said.subject_ref is None and said.decision == GIVEN:
        ends = at + timedelta(seconds=house.session_consent_seconds)
        said = replace(said, expires_at=ends if said.expires_at is None else min(said.expires_at, ends))
    destroyed = None
    longest = timedelta(minutes=house.notice_served_minutes_max)
    with house.database.transaction() as tx:
        vault = house.vault(caller.operator_id)
        subject, event = write_down(tx, vault, desk_of(caller), said, at, longest)
        mark = vault.mark(subject.linking_key, subject.subject_id) if subject.linking_key else None
        if said.decision == REFUSED:  # a no ends what an earlier yes began
            destroyed = forget_purpose(tx, caller.operator_id, subject.subject_id, said.purpose, at)
        recorded = append(
            tx,
            Entry(
                operator_id=caller.operator_id,
                at=at,
                kind="consent",
                outcome=said.decision,
                by=caller.named,
                subject_mark=mark,
                details=_details(event)
                | {
                    "destroyed": destroyed.as_json() if destroyed else None,
                    "asks": asking(house.packs, said.scopes, at),
                },
            ),
        )
        receipt = None
        if destroyed is not None:
            certify(tx, house, Act.REFUSED, caller.operator_id, destroyed, recorded, purpose=said.purpose)
        else:
            receipt = give(
                tx,
                caller.operator_id,
                recorded,
                event_id=event.event_id,
                subject_id=subject.subject_id,
                purpose=said.purpose,
            )
    if destroyed is not None:
        gone = destroyed.reference_ids
        let_go(house, caller.operator_id, [said.purpose], destroyed.subject_id, gone)
    house.count("consent", said.decision)
    return Consented(event.event_id, said.expires_at, recorded, receipt)


def _details(event: ConsentEvent) -> dict[str, Any]:
    """Return what the record says of a decision: nothing that leads to the person or the guardian."""
    guardian = {"relation": event.guardian_relation, "evidence": event.guardian_evidence}
    return {
        "consent": str(event.event_id),
        "purpose": event.purpose,
        "device": event.device_id,
        "form": event.form,
        "scopes": event.scopes,
        "notice_version": event.notice_version,
        "served": str(event.served_id) if event.served_id else None,
        "paper": event.evidence_digest is not None,
        "guardian": guardian if event.guardian_relation else None,
    }


def asking(packs: Packs, scopes: Sequence[Scope], at: datetime) -> dict[str, Any]:
    """Return the articles in force that look at a consent before what it reaches is done, with their editions."""
    reached = {Action((Scope.ENROL if scope is Scope.OFF_DEVICE_STORAGE else scope).value) for scope in scopes}
    findings = []
    for pack in packs:
        found = {
            reach.article.number
            for action in reached
            for reach in pack.rules[action]
            if pack.binds(pack.day(at)) and any(fact.startswith("consent.") for fact in reach.reads)
        }
        findings += [
            {"pack": pack.name, "article": number, "outcome": "asks"} for number in sorted(found, key=article_order)
        ]
    used = {pack.name: pack.used(pack.day(at)) for pack in packs}
    return {
        "packs": {name: {"edition": each.edition, "binds": each.binds} for name, each in used.items()},
        "findings": findings,
    }
