"""What an authorisation must be: a ground, a window that ends, devices, persons, staff who approve it once each."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from countenance.errors import ConflictError, MalformedError, NotAllowedError, NotFoundError
from countenance.store import authorisations as store
from countenance.store import credentials, sign_ins, sites, staff, subjects
from countenance.store.authorisations import AuthorisationRow
from countenance.store.database import Transaction
from countenance.store.staff import StaffRow
from countenance.vocabulary import Ground

#: An emergency is over, or another person looks at it again, within this time of asking.
EMERGENCY_MAX: Final = timedelta(hours=24)
#: No other window is longer: least necessary time.
WINDOW_MAX: Final = timedelta(days=366)
DEVICES_MAX: Final = 64
#: Least necessary population: a particular person, not a crowd.
SUBJECTS_MAX: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for: the ground, who wants it and by whose order, for which purpose, when, where and about whom."""

    purpose: str
    ground: Ground
    requester: str = field(repr=False)
    requested_by_subject: bool
    issuer: str
    reference: str
    devices: tuple[str, ...]
    subjects: tuple[str, ...] = field(repr=False)
    starts_at: datetime | None
    ends_at: datetime


def ask_for(tx: Transaction, operator_id: str, wanted: Wanted, by: str, at: datetime) -> AuthorisationRow:
    """Put an authorisation on file and return it.

    Raises NotAllowedError where no member of staff holds the credential: who asked must be known, because that person
    never approves. Raises MalformedError for a window that is past, too long or upside down, NotFoundError for a
    purpose, device or subject that is not on file.
    """
    asked_by_staff = _holder(tx, operator_id, by, at).staff_id
    starts_at = wanted.starts_at or at
    longest = EMERGENCY_MAX if wanted.ground is Ground.EMERGENCY else WINDOW_MAX
    if not max(at, starts_at) < wanted.ends_at <= min(at, starts_at) + longest:
        raise MalformedError(
            "An authorisation ends after it starts and after now: within 24 hours in an emergency, a year otherwise.",
            "授权须晚于起始时间及现在结束：紧急情况不超过 24 小时，其他情况不超过一年。",
        )
    purposes = {row["code"] for row in sites.read(tx, operator_id, "purpose") if not row["retired"]}
    devices = {row["device_id"] for row in sites.read(tx, operator_id, "device") if not row["retired"]}
    if wanted.purpose not in purposes or not wanted.devices or not set(wanted.devices) <= devices:
        raise NotFoundError(
            "The purpose or a device is not on file. See GET /v1/purposes and GET /v1/devices.",
            "该目的或设备未登记。请查看 GET /v1/purposes 与 GET /v1/devices。",
        )
    found = [subjects.find(tx, operator_id, ref) for ref in sorted(set(wanted.subjects))]
    ids = [row.subject_id for row in found if row is not None]
    if len(ids) < len(found):
        raise NotFoundError(
            "One of the subjects is not on file: only whoever is enrolled can be named.",
            "其中有个人未登记：仅可写明已登记的个人。",
        )
    row = AuthorisationRow(
        operator_id=operator_id,
        authorisation_id=uuid4(),
        purpose=wanted.purpose,
        ground=wanted.ground.value,
        requester=wanted.requester,
        requested_by_subject=wanted.requested_by_subject,
        issuer=wanted.issuer,
        reference=wanted.reference,
        devices=sorted(set(wanted.devices)),
        subjects=ids,
        subjects_named=len(ids),
        starts_at=starts_at,
        ends_at=wanted.ends_at,
        asked_by=by,
        asked_at=at,
        asked_by_staff=asked_by_staff,
    )
    store.add(tx, row)
    return row


def approve(
    tx: Transaction, operator_id: str, authorisation_id: UUID, by: str, at: datetime
) -> tuple[AuthorisationRow, int]:
    """Write one person's approval down and return the authorisation with how many have approved it.

    Raises NotFoundError where there is none, ConflictError for one that has ended or that this person approved before,
    NotAllowedError for whoever asked for it, with any credential, for a credential that no member of staff holds, and
    for a person or a credential that came after it was asked for.
    """
    row = _live(tx, operator_id, authorisation_id, at)
    staff_id = _holder(tx, operator_id, by, row.asked_at).staff_id
    if row.asked_by_staff is None:
        raise NotAllowedError(
            "No member of staff is known to have asked for it, so it cannot be told who may approve it. Ask anew.",
            "无法确认申请者为名单上的工作人员，因此无法判定谁可批准。请重新申请。",
        )
    if staff_id == row.asked_by_staff:
        raise NotAllowedError(
            "An authorisation is approved by other people than the one who asked for it. Let a colleague approve it.",
            "授权须由申请者以外的人员批准。请由其他同事批准。",
        )
    if not store.approve(tx, operator_id, authorisation_id, store.ApprovalRow(by, staff_id, at)):
        raise ConflictError(
            "This person has approved it already. Another one has to.", "该人员已批准，须由另一人批准。"
        )
    return row, store.approvers(tx, operator_id, authorisation_id)


def revoke(tx: Transaction, operator_id: str, authorisation_id: UUID, by: str, at: datetime) -> AuthorisationRow:
    """End an authorisation and forget whom it was about; raises NotFoundError, ConflictError for one that has ended."""
    row = _live(tx, operator_id, authorisation_id, at)
    store.revoke(tx, operator_id, authorisation_id, by, at)
    return row


def _holder(tx: Transaction, operator_id: str, by: str, until: datetime) -> StaffRow:
    """Return the member of staff who holds a credential, both on file not later than `until`; raises NotAllowedError.

    The row is held: whoever is being retired waits, and does not approve after that.
    """
    credential = credentials.find(tx, by)
    known = credential is not None and credential.operator_id == operator_id and credential.revoked_at is None
    staff_id = credential.staff_id if known and credential is not None else None
    holder = staff.find(tx, operator_id, staff_id, share=True) if staff_id is not None else None
    if credential is None or holder is None or not holder.active:
        raise NotAllowedError(
            "Who asks or approves must be known as a person: call with a credential that a member of staff holds "
            "(countenance credential issue officer --staff ID).",
            "申请或批准者须为可识别的人员：请使用由工作人员持有的凭证"
            "（countenance credential issue officer --staff ID）。",
        )
    # A session is as old as the password it was begun with: signing in anew makes nobody a newcomer, but whoever was
    # invited after the request may be anybody.
    since: datetime | None = credential.created_at
    if credential.session:
        signs_in = sign_ins.find(tx, operator_id, holder.staff_id)
        since = signs_in.chosen_at if signs_in is not None else None
    if since is None or max(since, holder.created_at) > until:
        raise NotAllowedError(
            "This person or this credential came after the request, so neither counts for it. Let somebody approve who "
            "was on the list before.",
            "该人员或其凭证晚于该申请，不予计入。请由此前已在名单上的人员批准。",
        )
    return holder


def _live(tx: Transaction, operator_id: str, authorisation_id: UUID, at: datetime) -> AuthorisationRow:
    """Return an authorisation that has not ended, held until the transaction ends."""
    row = store.find(tx, operator_id, authorisation_id, lock=True)
    if row is None:
        raise NotFoundError("There is no such authorisation.", "没有该授权。")
    if row.revoked_at is not None or row.ends_at <= at:
        raise ConflictError(
            "The authorisation has ended. Ask for another where one is still needed.",
            "该授权已终止。如仍有需要，请另行申请。",
        )
    return row
