"""What a subject said: yes or no to one purpose, with the scopes one by one, after a notice was served."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from countenance.errors import ConflictError, MalformedError, NotFoundError
from countenance.store import sites
from countenance.store import subjects as store
from countenance.store.database import Transaction
from countenance.store.gathering import OnFile, Question
from countenance.vault.sealing import Vault
from countenance.vocabulary import AgeClass, ConsentForm, Scope

#: Deciding yes and deciding no take the same words; withdrawing is an operation of its own.
GIVEN, REFUSED, WITHDRAWN = "given", "refused", "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One decision of a subject about one purpose; no `subject_ref` for a person without an account."""

    purpose: str
    decision: str
    notice_version: int
    subject_ref: str | None = None
    age_class: AgeClass | None = None
    form: ConsentForm | None = None
    scopes: tuple[Scope, ...] = ()
    guardian: str | None = None
    expires_at: datetime | None = None
    device_id: str | None = None
    #: Said through an officer, who may correct what is on file.
    corrects: bool = False

    def __repr__(self) -> str:
        """Show nothing of the person."""
        return f"Said(purpose={self.purpose!r}, decision={self.decision!r})"


def write_down(
    tx: Transaction, vault: Vault, operator_id: str, said: Said, at: datetime
) -> tuple[store.SubjectRow, UUID]:
    """Append what a subject said and return the subject with the id of the event.

    Raises NotFoundError for an unknown purpose or notice version, MalformedError for a yes without form or scopes, and
    ConflictError when the age class differs from the one on file.
    """
    if said.decision == GIVEN and (said.form is None or not said.scopes):
        raise MalformedError(
            "A consent needs its form and at least one scope. Say what the subject agreed to, one scope at a time.",
            "同意必须注明形式和至少一项范围。请逐项写明当事人同意的内容。",
        )
    notices = sites.notices(tx, operator_id, said.purpose)
    if not notices or not 1 <= said.notice_version <= notices[0]["version"]:
        raise NotFoundError(
            "There is no such notice for this purpose. Read the current one from /v1/notices and serve it first.",
            "该目的没有此版本的告知书。请先从 /v1/notices 读取现行版本并向当事人展示。",
        )
    subject = _subject(tx, vault, operator_id, said, at)
    event_id = uuid4()
    store.add_event(
        tx,
        store.ConsentEvent(
            operator_id=operator_id,
            event_id=event_id,
            subject_id=subject.subject_id,
            purpose=said.purpose,
            at=at,
            kind=said.decision,
            form=said.form.value if said.form else None,
            scopes=sorted({scope.value for scope in said.scopes}),
            notice_version=said.notice_version,
            guardian=said.guardian,
            expires_at=said.expires_at,
            device_id=said.device_id,
        ),
    )
    return subject, event_id


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


def _subject(tx: Transaction, vault: Vault, operator_id: str, said: Said, at: datetime) -> store.SubjectRow:
    subject_id = uuid4()
    age_class = said.age_class.value if said.age_class else None
    fresh = store.SubjectRow(
        operator_id=operator_id,
        subject_id=subject_id,
        ref=said.subject_ref,
        age_class=age_class,
        linking_key=vault.new_linking_key(subject_id),
        created_at=at,
        erased_at=None,
    )
    if store.add(tx, fresh) or said.subject_ref is None:
        return fresh
    held = store.find(tx, operator_id, said.subject_ref, lock=True)
    if held is None:  # erased between the two statements
        raise ConflictError("The subject was erased just now. Ask again.", "该个人刚被删除。请重新询问。")
    if age_class is not None and held.age_class != age_class:
        if held.age_class is None or said.corrects:
            store.set_age_class(tx, operator_id, held.subject_id, age_class)
            return held
        raise ConflictError(
            "Another age class is on file for this subject. An officer has to correct it first.",
            "该个人登记的年龄段与此不同。请先由保护负责人更正。",
        )
    return held
