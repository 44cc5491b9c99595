"""The purposes of a dossier, each with its notice, its basis in law, its other ways and its guided assessment."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from countenance.answer import Text
from countenance.filing.documents.answers import read_answers
from countenance.filing.documents.scenario import (
    BasisPart,
    NoticePart,
    PurposePart,
    ReportPart,
    SignaturePart,
    WayPart,
)
from countenance.store import activations, assessments, sites
from countenance.store.assessments import AssessmentRow
from countenance.store.database import Transaction
from countenance.store.gathering import PLACE
from countenance.vocabulary import AssessmentState, Comparing, Language, Lift, NoticeItem

Row = Mapping[str, Any]


def purposes(tx: Transaction, operator_id: str, today: date) -> tuple[PurposePart, ...]:
    """Return the purposes in use, by code."""
    notices = {row["purpose"]: row for row in sites.notices(tx, operator_id)}
    bases = {row["purpose"]: row for row in sites.read(tx, operator_id, "statutory_basis")}
    ways = [row for row in sites.read(tx, operator_id, "alternative") if not row["retired"]]
    reports, active = _reports(tx, operator_id), activations.active(tx, operator_id)
    made: list[PurposePart] = []
    for row in sites.read(tx, operator_id, "purpose"):
        code = row["code"]
        if row["retired"]:
            continue
        part = PurposePart(
            code=code,
            title=Text(row["title"]["en"], row["title"]["zh"]),
            necessity=row["necessity"],
            necessity_signed_by=row["necessity_signed_by"],
            necessity_expires_on=row["necessity_expires_on"],
            alternatives_assessed=row["alternatives_assessed"],
            assessment=_assessment(row, today),
            assessment_signed_by=row["assessment_signed_by"],
            assessed_on=row["assessed_on"],
            assessment_expires_on=row["assessment_expires_on"],
            configuration=row["configuration"] and row["configuration"].hex(),
            major_interest=row["major_interest"],
            public_security=row["public_security"],
            retention_days=row["retention_days"],
            comparison=Comparing(row["comparison"]),
            steps_to_consent=row["steps_to_consent"],
            steps_to_withdraw=row["steps_to_withdraw"],
            active_since=active[code].astimezone(PLACE) if code in active else None,
            notice=_notice(notices.get(code)),
            basis=_basis(bases.get(code)),
            ways=tuple(_way(each) for each in ways if each["purpose"] == code),
            report=_report(reports.get(code), row["configuration"], today),
        )
        made.append(part)
    return tuple(made)


def _reports(tx: Transaction, operator_id: str) -> dict[str, tuple[AssessmentRow, tuple[SignaturePart, ...]]]:
    """Return by purpose the assessment that was signed last, or the draft where none ever was."""
    signed: dict[UUID, list[SignaturePart]] = {}
    for each in assessments.signatures(tx, operator_id):
        signed.setdefault(each.assessment_id, []).append(SignaturePart(each.staff_id, each.at.astimezone(PLACE)))
    chosen: dict[str, AssessmentRow] = {}
    for row in assessments.listed(tx, operator_id):  # drafts first, then what was signed, the newest first
        if row.purpose not in chosen or (chosen[row.purpose].signed_on is None and row.signed_on is not None):
            chosen[row.purpose] = row
    return {code: (row, tuple(signed.get(row.assessment_id, ()))) for code, row in chosen.items()}


def _report(
    found: tuple[AssessmentRow, tuple[SignaturePart, ...]] | None, configuration: bytes | None, today: date
) -> ReportPart | None:
    if found is None:
        return None
    row, signatures = found
    return ReportPart(
        id=str(row.assessment_id),
        answers=read_answers(row.answers),
        configuration=row.configuration.hex(),
        signatures=signatures,
        valid_until=row.valid_until,
        keep_until=row.keep_until,
        current=standing(row, configuration, today) is AssessmentState.CURRENT,
    )


def standing(row: AssessmentRow, configuration: bytes | None, today: date) -> AssessmentState:
    """Return how a guided assessment stands: by the rule by which the law is told of the one in the site file."""
    if row.signed_on is None or row.valid_until is None:
        return AssessmentState.NONE
    covers = configuration is not None and row.configuration == configuration
    return AssessmentState.CURRENT if covers and row.signed_on <= today <= row.valid_until else AssessmentState.STALE


def _assessment(row: Row, today: date) -> AssessmentState:
    """Return how the assessment of the site file stands, as the law is told of it."""
    if row["assessed_on"] is None:
        return AssessmentState.NONE
    covers = row["assessed_configuration"] is not None and row["assessed_configuration"] == row["configuration"]
    stands = covers and row["assessed_on"] <= today <= row["assessment_expires_on"]
    return AssessmentState.CURRENT if stands else AssessmentState.STALE


def _notice(row: Row | None) -> NoticePart | None:
    if row is None:
        return None
    items = {
        language: {item: said for item in NoticeItem if (said := row["text"].get(language.value, {}).get(item.value))}
        for language in Language
    }
    return NoticePart(row["version"], row["published_at"].astimezone(PLACE), row["digest"].hex(), items)


def _basis(row: Row | None) -> BasisPart | None:
    if row is None:
        return None
    lifts = tuple(Lift(each) for each in row["lifts"])
    return BasisPart(row["citation"], lifts, row["approved_by"], row["expires_on"])


def _way(row: Row) -> WayPart:
    title = Text(row["title"]["en"], row["title"]["zh"])
    return WayPart(row["alternative_id"], row["venue_id"], title, row["working"], row["hours"])
