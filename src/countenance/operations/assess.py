"""Assess: the guided impact assessment of a purpose, from the first answer to the last signature, each act on record.

A record says which assessment, of which configuration, and the digest of the answers; what was answered stands in the
assessment alone.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from countenance.errors import ConflictError, MalformedError, NotFoundError
from countenance.filing.documents.answers import Answer, read_answers
from countenance.filing.documents.dossier import Dossier
from countenance.filing.documents.pia import Imported, read_pia
from countenance.filing.documents.prefill import PREFILLED
from countenance.filing.documents.questions import BY_ID, QUESTIONS
from countenance.filing.documents.scenario import PurposePart
from countenance.filing.documents.tree import said
from countenance.law.pack import Packs
from countenance.operations.dossier import Sources, gather
from countenance.record import Entry, append
from countenance.store import assessments, staff
from countenance.store.assessments import AssessmentRow
from countenance.store.database import Transaction
from countenance.store.gathering import PLACE
from countenance.vocabulary import Language

#: The number of an article that says for how many years a report is kept; never fewer than so many.
KEEP_NUMBER: Final = "assessment_keep_years"
KEEP_YEARS_MIN: Final = 3
#: For so long a signed assessment stands, if its configuration does.
VALID: Final = timedelta(days=365)
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks about which purpose of which operator, by which word they are named on record, and when."""

    operator_id: str
    purpose: str
    by: str
    at: datetime

    @property
    def today(self) -> date:
        """Return the day in the law's place."""
        return self.at.astimezone(PLACE).date()


def answer(sources: Sources, asking: Asking, given: Mapping[str, Answer]) -> AssessmentRow:
    """Write answers into the draft of a purpose, and return it; an empty answer takes an earlier one away.

    A draft that begins anew begins with what was signed last. Raises MalformedError for a question that is not asked,
    NotFoundError for a purpose that is not on file, ConflictError for one without a configuration.
    """
    if unknown := sorted(set(given) - set(BY_ID)):
        raise MalformedError(
            f"There is no such question: {unknown[0][:40]}. See: countenance filing assessment show",
            f"没有该问题：{unknown[0][:40]}。请查看：countenance filing assessment show",
        )
    with sources.database.transaction() as tx:
        return _written(tx, asking, given, "answered")


def import_pia(sources: Sources, asking: Asking, pack: str, data: bytes) -> Imported:
    """Write what a file of the PIA tool answers into the draft; return what was taken, and what found no place.

    What only repeats the configuration is not taken as an answer; what the file says nothing of stays as it was. Raises
    what `read_pia` and `answer` raise, and then nothing was changed.
    """
    found = read_pia(data)
    dossier = gather(sources, asking.operator_id, pack, asking.at)
    part = purpose_of(dossier, asking.purpose)
    taken = {key: each for key, each in found.answers.items() if not _repeats(dossier, part, key, each)}
    with sources.database.transaction() as tx:
        _written(tx, asking, taken, "imported")
    return Imported(taken, found.left_out)


def sign(sources: Sources, asking: Asking, pack: str, staff_id: str) -> AssessmentRow:
    """Sign the draft of a purpose, or add a signature to what was signed last; return it as it then stands.

    Raises NotFoundError for somebody who is not on the list of staff, ConflictError while a question has no answer,
    where nothing was begun, or where this person has signed already.
    """
    dossier = gather(sources, asking.operator_id, pack, asking.at)
    part = purpose_of(dossier, asking.purpose)
    with sources.database.transaction() as tx:
        held = staff.find(tx, asking.operator_id, staff_id, share=True)
        if held is None or not held.active:
            raise NotFoundError(
                "Nobody of this code is on the list of staff: countenance staff list",
                "人员名单中没有该编号：countenance staff list",
            )
        row = _to_sign(tx, asking)
        if row.signed_on is None:  # what was signed before stands as it is
            assessments.write(tx, asking.operator_id, row.assessment_id, _complete(dossier, part, row))
        fresh = assessments.sign(
            tx,
            asking.operator_id,
            row.assessment_id,
            staff_id,
            asking.at,
            signed_on=asking.today,
            valid_until=asking.today + VALID,
            keep_until=keep_until(sources.packs, asking.at),
        )
        if not fresh:
            raise ConflictError("This person has signed it already.", "该人员已签署。")
        signed = assessments.find(tx, asking.operator_id, row.assessment_id) or row
        _record(tx, asking, "signed", signed, {"staff": staff_id, "keep_until": _day(signed.keep_until)})
    return signed


def delete(sources: Sources, asking: Asking, assessment_id: UUID) -> None:
    """Delete a draft, or an assessment that is kept no longer.

    Raises NotFoundError for one that is not there, ConflictError for a signed one whose years are not over.
    """
    with sources.database.transaction() as tx:
        row = assessments.find(tx, asking.operator_id, assessment_id, lock=True)
        if row is None or row.purpose != asking.purpose:
            raise NotFoundError("There is no such assessment of this purpose.", "该目的没有此评估。")
        if not assessments.delete(tx, asking.operator_id, assessment_id, asking.today):
            raise ConflictError(
                f"The law wants this assessment kept until {_day(row.keep_until)}. It stays.",
                f"依规定本评估须保存至 {_day(row.keep_until)}，不予删除。",
            )
        _record(tx, asking, "deleted", row, {})


def listed(tx: Transaction, operator_id: str, purpose: str) -> list[AssessmentRow]:
    """Return the assessments of a purpose, the draft first, then what was signed, the newest first."""
    return assessments.listed(tx, operator_id, purpose)


def shown(sources: Sources, dossier: Dossier, purpose: str) -> dict[str, dict[str, str]]:
    """Return by question what answers it in the draft, or in what was signed last, and whose answer that is."""
    part = purpose_of(dossier, purpose)
    with sources.database.reading() as tx:
        rows = assessments.listed(tx, dossier.handler.id, purpose)
    answers = read_answers(rows[0].answers) if rows else {}
    told = {}
    for each in QUESTIONS:
        given, bare = answers.get(each.id), PREFILLED.get(each.id)
        found = bare(dossier, part) if bare is not None else None
        if given is not None and not given.configured:
            step = "" if given.gauge is None else f"{given.gauge} of 4. "
            told[each.id] = {"by": "person", "answer": step + "; ".join([given.text, *given.items]).strip("; ")}
        elif found:
            told[each.id] = {"by": "configuration", "answer": said(found, Language.EN)}
        else:
            told[each.id] = {"by": "nobody yet", "answer": ""}
    return told


def keep_until(packs: Packs, at: datetime) -> date:
    """Return until when an assessment signed now is kept: as long as the strictest pack wants, 3 years at least."""
    years = [KEEP_YEARS_MIN, *(pack.parameters(pack.day(at)).get(KEEP_NUMBER, 0) for pack in packs)]
    today = at.astimezone(PLACE).date()
    year = today.year + max(years)
    leap_day = (today.month, today.day) == (2, 29)
    return date(year, 3, 1) if leap_day else today.replace(year=year)


def purpose_of(dossier: Dossier, code: str) -> PurposePart:
    """Return a purpose of a dossier; raises NotFoundError for one that is not on file."""
    found = next((each for each in dossier.purposes if each.code == code), None)
    if found is None:
        raise _no_purpose()
    return found


def _written(tx: Transaction, asking: Asking, given: Mapping[str, Answer], outcome: str) -> AssessmentRow:
    row = _draft(tx, asking)
    answers = read_answers(row.answers) | dict(given)
    kept = {key: each.as_json() for key, each in answers.items() if not each.empty}
    assessments.write(tx, asking.operator_id, row.assessment_id, kept)
    written = assessments.find(tx, asking.operator_id, row.assessment_id) or row
    _record(tx, asking, outcome, written, {"questions": sorted(given)})
    return written


def _draft(tx: Transaction, asking: Asking) -> AssessmentRow:
    try:
        configuration = assessments.configuration_of(tx, asking.operator_id, asking.purpose)
    except LookupError as error:
        raise _no_purpose() from error
    if configuration is None:
        raise ConflictError(
            "The purpose has no configuration yet. Apply the site file again, then assess it.",
            "该目的尚无配置。请重新应用站点文件后再评估。",
        )
    before = assessments.listed(tx, asking.operator_id, asking.purpose)
    earlier = read_answers(before[0].answers) if before else {}
    begin_with = {key: each.as_json() for key, each in earlier.items() if not each.configured}
    return assessments.draft(tx, asking.operator_id, asking.purpose, configuration, begin_with, asking.at)


def _to_sign(tx: Transaction, asking: Asking) -> AssessmentRow:
    """Return the draft, about the configuration in use, or what was signed last; held until the transaction ends."""
    rows = assessments.listed(tx, asking.operator_id, asking.purpose)
    if not rows:
        raise ConflictError(
            "Nothing was answered yet. Begin with: countenance filing assessment answer",
            "尚未作答。请先运行：countenance filing assessment answer",
        )
    if rows[0].signed_on is None:
        return _draft(tx, asking)
    return assessments.find(tx, asking.operator_id, rows[0].assessment_id, lock=True) or rows[0]


def _complete(dossier: Dossier, part: PurposePart, row: AssessmentRow) -> dict[str, Any]:
    """Return the answers of a draft with those that the configuration gives now, so that what is signed stays.

    Raises ConflictError while a question has neither a person's answer nor the configuration's.
    """
    answers = read_answers(row.answers)
    lacking = []
    for each in QUESTIONS:
        if each.id in answers:
            continue
        bare = PREFILLED.get(each.id)
        found = bare(dossier, part) if bare is not None else None
        if found:
            en, zh = (said(found, language) for language in (Language.EN, Language.ZH))
            answers[each.id] = Answer(text=en, zh=zh, configured=True)
        else:
            lacking.append(each.id)
    if lacking:
        named = ", ".join(lacking[:_SHOWN]) + (", …" if len(lacking) > _SHOWN else "")
        raise ConflictError(
            f"{len(lacking)} questions have no answer yet: {named}. Answer them, then sign.",
            f"尚有 {len(lacking)} 个问题未答复：{named}。请答复后再签署。",
        )
    return {key: each.as_json() for key, each in answers.items()}


def _repeats(dossier: Dossier, part: PurposePart, key: str, each: Answer) -> bool:
    """Return whether an answer says only what the configuration says already, in either language."""
    bare = PREFILLED.get(key)
    found = bare(dossier, part) if bare is not None else None
    if not found or each.items:
        return False
    return any(each.text == said(found, language) for language in Language)


def _record(tx: Transaction, asking: Asking, outcome: str, row: AssessmentRow, more: Mapping[str, Any]) -> None:
    canonical = json.dumps(row.answers, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    details = {
        "purpose": asking.purpose,
        "assessment": str(row.assessment_id),
        "configuration": row.configuration.hex(),
        "answers": f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}",
        **more,
    }
    append(
        tx,
        Entry(
            operator_id=asking.operator_id,
            at=asking.at,
            kind="assessment",
            outcome=outcome,
            by=asking.by,
            details=details,
        ),
    )


def _day(value: date | None) -> str | None:
    return None if value is None else value.isoformat()


def _no_purpose() -> NotFoundError:
    return NotFoundError("There is no such purpose. See GET /v1/purposes.", "没有该目的。请查看 GET /v1/purposes。")
