"""Turns rows of the register into what a clerk sees."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from countenance.answer import Text
from countenance.authority.office import Office
from countenance.authority.seen import (
    Attached,
    Case,
    CaseState,
    Complaint,
    Counted,
    Finding,
    Inspection,
    Party,
    Said,
)
from countenance.authority.stated import stated_of
from countenance.filing.calendar import Deadline, deadline, working_days_left
from countenance.filing.exchange import Kind, Organisation, PublicDevice, message_of
from countenance.store.database import Transaction
from countenance.store.register import messages
from countenance.store.register.cases import CaseRow
from countenance.store.register.figures import StatedRow
from countenance.store.register.messages import MessageRow
from countenance.store.register.parties import PartyRow
from countenance.store.register.public import ComplaintRow, InspectionRow
from countenance.vocabulary import FilingKind

#: Both acts of law give so many; a pack that is known here says it itself.
WORKING_DAYS: Final = 30
_DAY: Final = timedelta(days=1)


def party_of(row: PartyRow, stated: StatedRow | None) -> Party:
    """Return a party."""
    said = Organisation.model_validate(dict(row.organisation))
    return Party(
        party_id=row.party_id,
        name=said.name,
        organisation=said.id,
        contact=said.contact,
        officer=said.officer,
        officer_contact=said.officer_contact,
        credit_code=said.credit_code,
        group=row.group_name,
        vkey=row.vkey,
        log_vkey=row.log_vkey,
        log_url=row.log_url,
        paired_at=row.paired_at,
        refused=row.refused,
        stated=None if stated is None else stated_of(stated),
    )


def name_of(row: PartyRow) -> str:
    """Return the name of a party."""
    return str(row.organisation["name"])


def ends(office: Office, row: CaseRow) -> Deadline | None:
    """Return the last day to file, computed here from the day it was raised, or the one the operator named."""
    if row.raised_on is None:
        return None if row.deadline is None else Deadline(row.deadline, provisional=False)
    line = office.line(row.pack, row.raised_on)
    return deadline(row.raised_on, WORKING_DAYS if line is None else line.working_days)


def left(office: Office, last: Deadline) -> int:
    """Return how many working days are left until a day; below zero, so many are past."""
    today = office.day(office.clock())
    if today <= last.day:
        return working_days_left(today, last.day)
    return -working_days_left(last.day, today)


def case_of(office: Office, row: CaseRow, party: PartyRow) -> Case:
    """Return a case."""
    last = ends(office, row)
    return Case(
        case_id=row.case_id,
        party_id=row.party_id,
        party_name=name_of(party),
        pack=row.pack,
        act=FilingKind(row.act),
        state=CaseState(row.state),
        number=row.number,
        cause=row.cause,
        raised_on=row.raised_on,
        deadline=last,
        working_days_left=None if last is None else left(office, last),
        counted=counted_of(row),
        filed_at=row.filed_at,
        decided_on=row.decided_on,
        message_id=row.message_id.hex(),
        snapshot=row.snapshot,
        devices=devices_of(row),
        devices_unread=row.devices_unread,
        late=last is not None and office.day(row.filed_at) > last.day,
    )


def counted_of(row: CaseRow) -> Counted:
    """Return the persons of a filing."""
    return Counted(**row.persons)


def devices_of(row: CaseRow) -> tuple[PublicDevice, ...]:
    """Return the public devices of a filing."""
    return tuple(PublicDevice.model_validate(dict(each)) for each in row.devices)


def conversation(tx: Transaction, party_id: str, rows: Sequence[MessageRow]) -> tuple[Said, ...]:
    """Return messages as they are read, with the files that belong to them."""
    files: dict[bytes, list[Attached]] = {}
    for each in messages.files_of(tx, party_id, [row.message_id for row in rows]):
        seen = Attached(each.name, each.media_type, each.size, each.sha256.hex(), each.here)
        files.setdefault(each.message_id, []).append(seen)
    return tuple(_said(row, files.get(row.message_id, ())) for row in rows)


def _said(row: MessageRow, files: Iterable[Attached]) -> Said:
    body = message_of(row.note).body
    text = body.get("text")
    return Said(
        message_id=row.message_id.hex(),
        number=row.number,
        kind=Kind(row.kind),
        ours=row.ours,
        by=row.by,
        at=row.at,
        complete_at=row.complete_at,
        text=text if isinstance(text, str) else None,
        # The key of a group is a secret and nobody reads it off a page.
        body={name: value for name, value in body.items() if (row.kind, name) != (Kind.GROUP_KEY.value, "key")},
        attached=tuple(files),
    )


def complaint_of(row: ComplaintRow) -> Complaint:
    """Return a complaint."""
    return Complaint(
        complaint_id=row.complaint_id,
        at=row.at,
        party_id=row.party_id,
        about=row.about,
        text=row.said,
        contact=row.contact,
        answer=row.answer,
        answered_at=row.answered_at,
        answered_by=row.answered_by,
    )


def inspection_of(row: InspectionRow, party: PartyRow) -> Inspection:
    """Return an inspection."""
    return Inspection(
        inspection_id=row.inspection_id,
        party_id=row.party_id,
        party_name=name_of(party),
        order=row.order_text,
        opened_at=row.opened_at,
        opened_by=row.opened_by,
        done_at=row.done_at,
        origin=row.origin,
        size=row.size,
        findings=tuple(_finding(each) for each in row.findings),
    )


def _finding(said: Mapping[str, Any]) -> Finding:
    return Finding(said["code"], bool(said["holds"]), Text(said["en"], said["zh"]))


def kept(finding: Finding) -> dict[str, Any]:
    """Return a finding as it is kept."""
    return {"code": finding.code, "holds": finding.holds, "en": finding.text.en, "zh": finding.text.zh}
