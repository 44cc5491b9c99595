"""What a subject said: yes or no to one purpose, with the scopes one by one, after a notice was served."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from countenance.errors import ConflictError, MalformedError, NotAllowedError, NotFoundError
from countenance.store import persons, sites
from countenance.store import subjects as store
from countenance.store.database import Transaction
from countenance.store.gathering import PLACE, OnFile, Question
from countenance.subjects import guardians
from countenance.subjects.guardians import Guardian
from countenance.subjects.notices import Desk, rest_on
from countenance.vault.sealing import Vault
from countenance.vocabulary import AgeClass, ConsentForm, Lift, Scope

#: Deciding yes and deciding no take the same words; withdrawing is an operation of its own.
GIVEN, REFUSED, WITHDRAWN = "given", "refused", "withdrawn"
_DIGEST_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Paper:
    """A decision made on paper: the version of the notice on the sheet, and the SHA-256 of a scan of it, signed."""

    notice_version: int
    evidence_digest: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One decision of a subject about one purpose; no `subject_ref` for a person without an account.

    It rests on a notice that was served, or on a sheet of paper, and on one of them only.
    """

    purpose: str
    decision: str
    served_id: UUID | None = None
    paper: Paper | None = None
    subject_ref: str | None = None
    age_class: AgeClass | None = None
    form: ConsentForm | None = None
    scopes: tuple[Scope, ...] = ()
    guardian: Guardian | None = None
    expires_at: datetime | None = None

    def __repr__(self) -> str:
        """Show nothing of the person."""
        return f"Said(purpose={self.purpose!r}, decision={self.decision!r})"


def write_down(
    tx: Transaction, vault: Vault, desk: Desk, said: Said, at: datetime, longest: timedelta
) -> tuple[store.SubjectRow, store.ConsentEvent]:
    """Append what a subject said and return the subject with the event.

    Raises MalformedError for a yes without a form of its own or scopes, NotFoundError and ConflictError for a notice
    that was not served so that this may rest on it, and ConflictError when the age class differs from the one on file.
    """
    if said.decision == GIVEN and (said.form in {None, ConsentForm.BUNDLED} or not said.scopes):
        raise MalformedError(
            "A consent needs a form of its own, separate or written, and at least one scope. Say what the subject "
            "agreed to, one scope at a time.",
            "同意必须注明形式（单独或书面，不得捆绑）和至少一项范围。请逐项写明当事人同意的内容。",
        )
    version = _notice_version(tx, desk, said, at, longest)
    subject = _subject(tx, vault, desk, said, at)
    if said.served_id is not None and store.answered(tx, desk.operator_id, said.served_id) - {subject.subject_id}:
        raise ConflictError(
            "Somebody else answered this notice already. Serve it again to this person, then ask.",
            "该次展示的告知书已由他人答复。请向本人重新展示后再询问。",
        )
    _check_guardian(tx, desk.operator_id, said, subject, at)
    guardian = said.guardian
    event = store.ConsentEvent(
        operator_id=desk.operator_id,
        event_id=uuid4(),
        subject_id=subject.subject_id,
        purpose=said.purpose,
        at=at,
        kind=said.decision,
        form=said.form.value if said.form else None,
        scopes=sorted({scope.value for scope in said.scopes}),
        notice_version=version,
        served_id=said.served_id,
        evidence_digest=said.paper.evidence_digest if said.paper else None,
        guardian=guardian.ref if guardian else None,
        guardian_relation=guardian.relation.value if guardian else None,
        guardian_evidence=guardian.evidence.value if guardian else None,
        guardian_evidence_digest=guardian.evidence_digest if guardian else None,
        guardian_checked_by=guardian.checked_by if guardian else None,
        expires_at=said.expires_at,
        device_id=desk.device_id,
    )
    store.add_event(tx, event)
    return subject, event


def _notice_version(tx: Transaction, desk: Desk, said: Said, at: datetime, longest: timedelta) -> int:
    """Return the version of the notice that a decision rests on."""
    if (said.served_id is None) == (said.paper is None):
        raise MalformedError(
            "A decision rests on one notice that was served: send `served`, the id that POST /v1/notices/served gave, "
            "or, as an officer, `paper`.",
            "每个决定须以一次告知书展示为依据：请提供 POST /v1/notices/served 返回的 served，"
            "或由保护负责人提供 paper。",
        )
    if said.served_id is not None:
        return rest_on(tx, desk, said.served_id, said.purpose, at, longest).version
    assert said.paper is not None  # noqa: S101 — for the type checker
    if not desk.officer:
        raise NotAllowedError(
            "Only an officer enters a decision made on paper. At a device, serve the notice and ask.",
            "仅保护负责人可录入纸质决定。在设备上请展示告知书后询问。",
        )
    if said.decision == GIVEN and said.form is not ConsentForm.WRITTEN:
        raise MalformedError(
            "A consent on paper has the form `written`. Say so, or serve the notice and ask.",
            "纸质同意的形式为 written。请如实填写，或展示告知书后询问。",
        )
    if len(said.paper.evidence_digest) != _DIGEST_BYTES:
        raise MalformedError(
            "The evidence of a sheet of paper is the SHA-256 of its scan.", "纸质材料的凭据为其扫描件的 SHA-256。"
        )
    notices = sites.notices(tx, desk.operator_id, said.purpose)
    if not notices or not 1 <= said.paper.notice_version <= notices[0]["version"]:
        raise NotFoundError(
            "There is no such notice for this purpose. Its number stands on the sheet; see /v1/notices.",
            "该目的没有此版本的告知书。版本号见纸质材料，参见 /v1/notices。",
        )
    return said.paper.notice_version


def _check_guardian(tx: Transaction, operator_id: str, said: Said, subject: store.SubjectRow, at: datetime) -> None:
    """Refuse a guardian who is none, and a yes of a child under 14 that no guardian gives and no law dispenses with."""
    if said.guardian is not None:
        guardians.check(tx, operator_id, said.guardian, subject.ref)
    age_class = said.age_class.value if said.age_class else subject.age_class
    needed = said.decision == GIVEN and age_class == AgeClass.UNDER_14 and said.guardian is None
    if needed and not sites.lifts(tx, operator_id, said.purpose, Lift.GUARDIAN, at.astimezone(PLACE).date()):
        raise MalformedError(
            "For a child under 14 a parent or guardian consents. Say who (`guardian`), the relation, what showed it.",
            "不满十四周岁的儿童须由父母或其他监护人同意。请注明监护人、监护关系及其证明（guardian）。",
        )


def withdraw(tx: Transaction, operator_id: str, subject_id: UUID, purpose: str, at: datetime) -> UUID:
    """Append a withdrawal and return its id; it counts from the next decision on."""
    event_id = uuid4()
    store.add_event(
        tx,
        store.ConsentEvent(
            operator_id=operator_id,
            event_id=event_id,
            subject_id=subject_id,
            purpose=purpose,
            at=at,
            kind=WITHDRAWN,
        ),
    )
    return event_id


def end_session(tx: Transaction, operator_id: str, on_file: OnFile, question: Question) -> None:
    """End the consent of a person without an account once it has served: another identification takes another yes."""
    if on_file.subject_id is not None and not on_file.has_account:
        withdraw(tx, operator_id, on_file.subject_id, question.purpose, question.at)


def _return_token(tx: Transaction, vault: Vault, desk: Desk, ref: str) -> int:
    """Return by which 24 bits this identifier would be known if it left near a filing line and came back."""
    sealed = persons.return_key(tx, desk.operator_id)
    if sealed is None:
        sealed = persons.keep_return_key(tx, desk.operator_id, vault.new_return_key())
    return vault.return_token(sealed, ref)


def _subject(tx: Transaction, vault: Vault, desk: Desk, said: Said, at: datetime) -> store.SubjectRow:
    subject_id = uuid4()
    age_class = said.age_class.value if said.age_class else None
    fresh = store.SubjectRow(
        operator_id=desk.operator_id,
        subject_id=subject_id,
        ref=said.subject_ref,
        age_class=age_class,
        linking_key=vault.new_linking_key(subject_id),
        created_at=at,
        erased_at=None,
    )
    if store.add(tx, fresh):
        if said.subject_ref is not None:
            persons.remember(tx, desk.operator_id, subject_id, _return_token(tx, vault, desk, said.subject_ref))
        return fresh
    if said.subject_ref is None:
        return fresh
    held = store.find(tx, desk.operator_id, said.subject_ref, lock=True)
    if held is None:  # erased between the two statements
        raise ConflictError("The subject was erased just now. Ask again.", "该个人刚被删除。请重新询问。")
    if age_class is not None and held.age_class != age_class:
        if held.age_class is None or desk.officer:
            store.set_age_class(tx, desk.operator_id, held.subject_id, age_class)
            return held
        raise ConflictError(
            "Another age class is on file for this subject. An officer has to correct it first.",
            "该个人登记的年龄段与此不同。请先由保护负责人更正。",
        )
    return held
