"""The steps that operations share: ask the law, look at the picture, discharge duties, write down a no."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from countenance import facts as f
from countenance.answer import Finding, Permit, Refusal
from countenance.capture import Sample
from countenance.compare import Threshold
from countenance.decide import decide
from countenance.detect import Measured, Reason
from countenance.detect import failure as detect_failure
from countenance.detect.several import Acquired
from countenance.errors import IntegrityError, LimitError, UnavailableError
from countenance.filing import duty, raising
from countenance.operations import budget, challenge
from countenance.operations.own import own_findings
from countenance.operations.parts import Caller, House, NotAcquired, Refused
from countenance.record import Entry, Recorded, append
from countenance.sites.banned import BANNED_PURPOSES
from countenance.store import authorisations
from countenance.store.database import Transaction
from countenance.store.gathering import OnFile, Question, gather

_log = logging.getLogger("countenance.operations")

#: Duties that the operations know how to discharge: the picture is wiped; that an assessment is due is on the record.
#: Any other stops the operation before a pixel is decoded.
DUTIES: Final = frozenset({"discard-original", "renew-assessment"})


@dataclass(frozen=True, slots=True)
class Asked:
    """The law's answer together with what it was asked about."""

    question: Question
    on_file: OnFile
    facts: f.Facts
    answer: Permit | Refusal


def ask(tx: Transaction, house: House, question: Question, measured: Measured | None = None) -> Asked:
    """Ask the law about `question`, with what is on file now; with `measured` this is gate two.

    Raises UnavailableError when the clock stands behind the newest record: consents and periods could be made to live
    again by setting it back.
    """
    if house.alarm.is_set():
        raise UnavailableError(
            "Something stored was changed, so nothing is processed. The officer has to restore it and start again.",
            "存储内容被改动，已停止处理。须由保护负责人恢复后重新启动。",
        )
    on_file = gather(tx, question)
    _check_clock(house, on_file, question)
    facts = on_file.facts
    if on_file.filings is not None:
        named = facts.operator.officer_named if facts.operator else None
        filing = duty.states(house.packs, on_file.filings, question.at)
        facts = replace(facts, operator=f.OperatorFacts(officer_named=named, filing=filing))
    if measured is not None:
        facts = facts.with_measured(
            f.MeasuredFacts(
                faces=measured.faces,
                target_isolated=measured.target_isolated,
                quality_ok=measured.quality_ok,
                attack_suspected=measured.attack_suspected,
            )
        )
    if question.purpose in BANNED_PURPOSES and facts.purpose is not None:  # whatever was on file when it was applied
        facts = replace(facts, purpose=replace(facts.purpose, banned=True))
    answer = decide(facts, house.packs)
    if isinstance(answer, Permit):
        _check_duties(answer)
    own = own_findings(question, on_file, house.attack_check)
    if own:
        found = answer.findings if isinstance(answer, Refusal) else ()
        answer = Refusal(answer.action, answer.at, answer.purpose, answer.packs, (*own, *found))
    return Asked(question, on_file, facts, answer)


def _check_duties(permit: Permit) -> None:
    """Raise IntegrityError for a duty nobody here can discharge: a permit whose duty is dropped is no permit."""
    if any(duty.duty not in DUTIES for duty in permit.duties):
        raise IntegrityError(
            "A pack asks for a duty that this build cannot discharge. Take the pack off, or upgrade.",
            "规则包要求的义务当前版本无法履行。请停用该规则包或升级。",
        )


def _check_clock(house: House, on_file: OnFile, question: Question) -> None:
    newest = on_file.newest_record_at
    if newest is not None and newest - question.at > timedelta(seconds=house.clock_backward_seconds_max):
        _log.critical("clock_set_back")
        raise UnavailableError(
            "The server's clock stands behind its own records, so nothing is processed. Set the clock right.",
            "服务器时钟早于已有记录，已停止处理。请校准时钟。",
        )


def gate_one(house: House, caller: Caller, question: Question, pictures: int = 0) -> Asked | Refused:
    """Ask the law on what is declared and on file, before a pixel is decoded; a no is written down.

    What the law permits is counted, by so many `pictures`; where that is more than anybody needs the server refuses,
    and the record says which count was reached. Raises LimitError for more than one act may have, where the law would
    permit it; none is counted then.
    """
    over: Mapping[str, Finding] = {}
    with house.database.reading() as tx:
        asked = ask(tx, house, question)
        if isinstance(asked.answer, Permit) and pictures:
            if pictures > house.frames_max:
                raise too_many(house)
            if over := budget.spend(tx, house, question, pictures):
                house.count("budget", "over")
                asked = replace(asked, answer=refusing(asked.answer, *over.values()))
    if isinstance(asked.answer, Refusal):
        details = {"budget": sorted(over)} if over else None
        with house.database.transaction() as tx:
            return refused(tx, house, caller, asked, asked.answer, details=details)
    return asked


def too_many(house: House) -> LimitError:
    """Return the error of an act with more pictures than one may have."""
    return LimitError(
        f"At most {house.frames_max} pictures are looked at in one request. Send fewer.",
        f"一次请求最多处理 {house.frames_max} 张图片。请减少数量。",
    )


def refusing(permit: Permit, *own: Finding) -> Refusal:
    """Return the refusal by which the server itself goes no further with what the law permits."""
    return Refusal(permit.action, permit.at, permit.purpose, permit.packs, own)


def refused(
    tx: Transaction,
    house: House,
    caller: Caller,
    asked: Asked,
    refusal: Refusal,
    *,
    others: tuple[Asked, ...] = (),
    details: Mapping[str, Any] | None = None,
) -> Refused:
    """Write a refusal down and return it; `others` is what else the law was asked."""
    recorded = write(tx, house, caller, asked, "refused", answers=(refusal,), others=others, details=details)
    house.count(refusal.action.value, "refused")
    return Refused(refusal, recorded)


def not_acquired(
    tx: Transaction,
    house: House,
    caller: Caller,
    asked: Asked,
    measured: Measured,
    details: Mapping[str, Any] | None = None,
) -> NotAcquired:
    """Write down that the picture gave nothing to compare, and return that."""
    failure = measured.failure or detect_failure(Reason.NO_FACE)
    said = {"reason": failure.reason.value, **(details or {})}
    answers = (asked.answer,)
    recorded = write(tx, house, caller, asked, "failure_to_acquire", answers=answers, details=said)
    house.count(asked.question.action.value, "failure_to_acquire")
    return NotAcquired(failure, recorded)


def discharge(permit: Permit, sample: Sample | Acquired) -> list[dict[str, str]]:
    """Do what the permit's duties demand, and return them for the record; `ask` lets no other duty through."""
    sample.wipe()
    return [{"pack": duty.pack, "article": duty.article, "duty": duty.duty} for duty in permit.duties]


def write(
    tx: Transaction,
    house: House,
    caller: Caller,
    asked: Asked,
    outcome: str,
    *,
    answers: tuple[Permit | Refusal, ...],
    others: tuple[Asked, ...] = (),
    details: Mapping[str, Any] | None = None,
    about: OnFile | None = None,
    mark: bytes | None = None,
) -> Recorded:
    """Record one act of a caller with the facts it was decided on; `about` is who it turned out to be about.

    What else was asked stands in `others`, each with its own facts, so that every decision can be made again.
    What was decided with an authorisation on file names it, and is listed under it for review. The challenge that the
    act answers is used up with it, whatever comes of it; ConflictError where another act came first.
    """
    if not challenge.use(tx, asked.question) and outcome != "refused":
        raise challenge.unfit()
    said: dict[str, Any] = {"model": house.engine.model_id, **(details or {})}
    if asked.question.device_id is not None:
        said["device"] = asked.question.device_id
    under = asked.on_file.authorised
    if under is not None:
        said["authorisation"] = str(under.authorisation_id)
    recorded = append(
        tx,
        Entry(
            operator_id=caller.operator_id,
            at=asked.question.at,
            kind=asked.question.action.value,
            outcome=outcome,
            by=caller.named,
            subject_mark=mark or mark_of(house, caller.operator_id, about or asked.on_file),
            facts=asked.facts,
            answers=answers,
            others=[(each.facts, each.answer) for each in others],
            details=said,
        ),
    )
    if under is not None:
        authorisations.add_use(tx, caller.operator_id, under.authorisation_id, recorded.record_id)
    return recorded


def count_arrival(tx: Transaction, house: House, operator_id: str, subject_id: UUID) -> None:
    """Count a subject of whom this transaction stored something, and raise what that reaches; the last step of all."""
    for _ in raising.count_arrival(tx, house.packs, operator_id, subject_id, house.clock()):
        house.count("filing", "raised")


def mark_of(house: House, operator_id: str, on_file: OnFile) -> bytes | None:
    """Return the mark that ties records to a subject, None where nobody is on file."""
    if on_file.subject_id is None or on_file.linking_key is None:
        house.vault(operator_id).mark_of_nobody()
        return None
    return house.vault(operator_id).mark(on_file.linking_key, on_file.subject_id)


def fmr(threshold: Threshold) -> str:
    """Return a threshold's target FMR as records hold it: text, because canonical JSON here holds no fractions."""
    return f"{threshold.fmr_target:g}"


def again(question: Question, house: House) -> Question:
    """Return the same question at the present instant, for gate two."""
    return replace(question, at=house.clock())
