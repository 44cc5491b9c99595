"""Consent: write down what a subject decided, yes or no, and give the receipt."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from countenance.forget import forget_purpose
from countenance.operations.parts import Caller, House
from countenance.record import Entry, Recorded, append
from countenance.subjects.consents import GIVEN, REFUSED, Said, write_down


@dataclass(frozen=True, slots=True)
class Consented:
    """The receipt of a decision: its id, until when a yes stands, and where it is on record."""

    consent_id: UUID
    expires_at: datetime | None
    recorded: Recorded


def consent(house: House, caller: Caller, said: Said) -> Consented:
    """Write down a decision about one purpose. Raises what `subjects.consents.write_down` raises.

    A person without an account consents for the session only: the yes ends by itself after the operator's setting. A no
    destroys what was kept under an earlier yes.
    """
    at = house.clock()
    if said.subject_ref is None and said.decision == GIVEN:
        longest = at + timedelta(seconds=house.session_consent_seconds)
        said = replace(said, expires_at=longest if said.expires_at is None else min(said.expires_at, longest))
    destroyed = None
    with house.database.transaction() as tx:
        vault = house.vault(caller.operator_id)
        subject, event_id = write_down(tx, vault, caller.operator_id, said, at)
        mark = vault.mark(subject.linking_key, subject.subject_id) if subject.linking_key else None
        if said.decision == REFUSED:  # a no ends what an earlier yes began
            destroyed = forget_purpose(tx, caller.operator_id, subject.subject_id, said.purpose)
        recorded = append(
            tx,
            Entry(
                operator_id=caller.operator_id,
                at=at,
                kind="consent",
                outcome=said.decision,
                by=f"{caller.role.value}:{caller.credential_id}",
                subject_mark=mark,
                details={
                    "consent": str(event_id),
                    "purpose": said.purpose,
                    "form": said.form.value if said.form else None,
                    "scopes": sorted(scope.value for scope in said.scopes),
                    "notice_version": said.notice_version,
                    "guardian": said.guardian is not None,
                    "destroyed": destroyed.as_json() if destroyed else None,
                },
            ),
        )
    if destroyed is not None:
        gone = destroyed.reference_ids
        house.projection.remove(caller.operator_id, [said.purpose], destroyed.subject_id, gone)
    house.count("consent", said.decision)
    return Consented(event_id, said.expires_at, recorded)
