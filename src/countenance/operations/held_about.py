"""What is held about a person: all of it that can be told, as a copy; that it was asked for is on record.

Never a template, a key or a score; an authorisation only when it is closed.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from countenance.operations.parts import Caller, House
from countenance.operations.whose import whose
from countenance.record import Entry, Recorded, append, read
from countenance.store import authorisations, originals, records, references, requests, sites, subjects
from countenance.store.database import Transaction
from countenance.store.gathering import PLACE
from countenance.store.subjects import ConsentEvent
from countenance.subjects.consents import GIVEN
from countenance.subjects.requests import Request
from countenance.subjects.requests import shown as request_shown


@dataclass(frozen=True, slots=True)
class HeldOriginal:
    """An original that is kept, and until when."""

    original: UUID
    kept_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldFor:
    """What is held for one purpose, and why: the purpose in words, and the law that orders it where one does.

    References are kept since `since`, and at the longest through the day `until`; both are None where none is kept.
    """

    purpose: str
    title: dict[str, str]
    basis: str | None
    references: int
    since: datetime | None
    until: date | None
    originals: tuple[HeldOriginal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldConsent:
    """One decision of the person: given, refused or withdrawn, with what was agreed to, one scope at a time."""

    consent: UUID
    purpose: str
    at: datetime
    decision: str
    form: str | None
    scopes: tuple[str, ...]
    notice_version: int | None
    guardian: str | None
    expires_at: datetime | None
    device: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldNotice:
    """The notice that a yes was given to, in the words that were shown."""

    purpose: str
    version: int
    text: dict[str, Any]
    digest: str
    published_at: datetime


@dataclass(frozen=True, slots=True)
class RefusingArticle:
    """An article that refused; without pack and number it was the server itself, or that no law is in force."""

    pack: str | None
    article: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRecord:
    """One act on record: a use of the person's data, a refusal, or a step the person took.

    `venue` is the kind of venue at which the device stood then.
    """

    record: UUID
    at: datetime
    kind: str
    outcome: str
    device: str | None
    venue: str | None
    articles: tuple[RefusingArticle, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldAuthorisation:
    """An authorisation that is closed, under which something of the person is on record."""

    authorisation: UUID
    purpose: str
    ground: str
    issuer: str
    starts_at: datetime
    ends_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldAbout:
    """All that is held about one person; `earlier` names the record after which the list of records goes on."""

    subject: str | None = field(repr=False)
    age_class: str | None = field(repr=False)
    known_since: datetime
    purposes: tuple[HeldFor, ...]
    consents: tuple[HeldConsent, ...] = field(repr=False)
    notices: tuple[HeldNotice, ...] = field(repr=False)
    records: tuple[HeldRecord, ...] = field(repr=False)
    earlier: UUID | None
    authorisations: tuple[HeldAuthorisation, ...] = field(repr=False)
    requests: tuple[Request, ...] = field(repr=False)
    recorded: Recorded


def held_about(
    house: House, caller: Caller, subject_ref: str | None = None, *, most: int = 100, before: UUID | None = None
) -> HeldAbout:
    """Return what is held about a person: the caller, or for an officer the person named.

    The newest `most` records come with it, or with `before` those that precede that one. Raises NotFoundError for a
    person who is not on file, and alike for another than the caller.
    """
    at, operator_id = house.clock(), caller.operator_id
    with house.database.transaction() as tx:
        # 1. Hold the subject, so that the copy is whole: nothing of it is destroyed while it is read.
        subject, mark = whose(tx, house, caller, subject_ref, lock=True)
        subject_id = subject.subject_id

        # 2. Read.
        events = subjects.events(tx, operator_id, subject_id)
        rows = records.listed(tx, operator_id, most=most + 1, subject_mark=mark, before=before)
        vault = house.vault(operator_id)
        mine = requests.of_subject(tx, operator_id, subject_id)
        closed = authorisations.closed_over(tx, operator_id, mark)
        purposes = _purposes(tx, operator_id, subject_id, events, at)
        notices = _notices(tx, operator_id, events)

        # 3. Record that it was read.
        by = caller.named
        entry = Entry(operator_id=operator_id, at=at, kind="access", outcome="shown", by=by, subject_mark=mark)
        recorded = append(tx, entry)
    house.count("access", "shown")
    return HeldAbout(
        subject=subject.ref,
        age_class=subject.age_class,
        known_since=subject.created_at,
        purposes=purposes,
        consents=tuple(_consent(event) for event in events),
        notices=notices,
        records=tuple(_act(row) for row in rows[:most]),
        earlier=rows[most - 1].record_id if len(rows) > most else None,
        authorisations=tuple(_authorisation(row) for row in closed),
        requests=tuple(request_shown(row, at, vault=vault, ref=subject.ref) for row in mine),
        recorded=recorded,
    )


def _purposes(
    tx: Transaction, operator_id: str, subject_id: UUID, events: list[ConsentEvent], at: datetime
) -> tuple[HeldFor, ...]:
    """Return what is held for each purpose that the person decided about, or for which anything is kept."""
    today = at.astimezone(PLACE).date()
    declared = {row["code"]: row for row in sites.read(tx, operator_id, "purpose")}
    bases = {row["purpose"]: row for row in sites.read(tx, operator_id, "statutory_basis")}
    kept = {row[0]: row[1:] for row in references.held(tx, operator_id, subject_id)}
    pictures = originals.of_subject(tx, operator_id, subject_id)
    newest = {event.purpose: event for event in events}
    found = []
    for code in sorted({*kept, *newest, *(row["purpose"] for row in pictures)}):
        number, oldest, latest = kept.get(code, (0, None, None))
        basis = bases.get(code)
        found.append(
            HeldFor(
                purpose=code,
                title=declared[code]["title"],
                basis=basis["citation"] if basis is not None and today <= basis["expires_on"] else None,
                references=number,
                since=oldest,
                until=_until(latest, declared[code]["retention_days"], newest.get(code)) if latest else None,
                originals=tuple(
                    HeldOriginal(row["original_id"], row["kept_at"], row["expires_at"])
                    for row in pictures
                    if row["purpose"] == code
                ),
            )
        )
    return tuple(found)


def _until(latest: datetime, retention_days: int | None, consent: ConsentEvent | None) -> date | None:
    """Return the last day on which a reference can still be kept, by its retention or the end of the consent."""
    ends = []
    if retention_days is not None:
        ends.append(latest.astimezone(PLACE).date() + timedelta(days=retention_days))
    if consent is not None and consent.expires_at is not None:
        ends.append(consent.expires_at.astimezone(PLACE).date())
    return min(ends, default=None)


def _consent(event: ConsentEvent) -> HeldConsent:
    return HeldConsent(
        consent=event.event_id,
        purpose=event.purpose,
        at=event.at,
        decision=event.kind,
        form=event.form,
        scopes=tuple(event.scopes or ()),
        notice_version=event.notice_version,
        guardian=event.guardian,
        expires_at=event.expires_at,
        device=event.device_id,
    )


def _notices(tx: Transaction, operator_id: str, events: list[ConsentEvent]) -> tuple[HeldNotice, ...]:
    agreed = {
        (event.purpose, event.notice_version)
        for event in events
        if event.kind == GIVEN and event.notice_version is not None
    }
    return tuple(
        HeldNotice(
            purpose=row["purpose"],
            version=row["version"],
            text=row["text"],
            digest=f"sha256:{bytes(row['digest']).hex()}",
            published_at=row["published_at"],
        )
        for row in sites.notices_of(tx, operator_id, agreed)
    )


def _act(row: records.RecordRow) -> HeldRecord:
    body = read(row)["record"]
    venue = (body.get("facts") or {}).get("venue") or {}
    refusing = {(each["pack"], each["article"]): None for said in body.get("law", []) for each in said["findings"]}
    return HeldRecord(
        record=row.record_id,
        at=row.at,
        kind=row.kind,
        outcome=row.outcome,
        device=body["details"].get("device"),
        venue=venue.get("kind"),
        articles=tuple(RefusingArticle(pack, article) for pack, article in refusing),
    )


def _authorisation(row: authorisations.AuthorisationRow) -> HeldAuthorisation:
    return HeldAuthorisation(
        authorisation=row.authorisation_id,
        purpose=row.purpose,
        ground=row.ground,
        issuer=row.issuer,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        revoked_at=row.revoked_at,
    )
