"""Challenge: ask the person at a device for a random sequence of head turns, once, and for a short while."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from countenance.answer import Text
from countenance.detect.turns import draw
from countenance.errors import ConflictError, MalformedError, NotFoundError
from countenance.operations.parts import Caller, House
from countenance.store import challenges, sites
from countenance.store.challenges import ChallengeRow
from countenance.store.database import Transaction
from countenance.store.gathering import Question
from countenance.vocabulary import TAKING_PART, Action, AttackChecking, Turn

#: What to show at each step; left and right are the person's own, as in a mirror.
SAY: Final = {
    Turn.CENTRE: Text("Look straight into the camera.", "请正视摄像头。"),
    Turn.LEFT: Text("Turn your head slowly to your left.", "请将头缓慢转向您的左侧。"),
    Turn.RIGHT: Text("Turn your head slowly to your right.", "请将头缓慢转向您的右侧。"),
}


@dataclass(frozen=True, slots=True)
class Challenge:
    """What the person at the device is asked to do, and until when it can be answered."""

    challenge_id: UUID
    turns: tuple[Turn, ...]
    expires_at: datetime


def challenge(house: House, caller: Caller, purpose: str, action: Action) -> Challenge:
    """Make a challenge for one act of one device; it says nothing about anybody, so it is not on record by itself.

    Raises ConflictError where the check is off, NotFoundError for a purpose that is not on file, MalformedError without
    a device or for an action that no person at a device takes part in.
    """
    if house.attack_check is AttackChecking.OFF:
        raise _off()
    if caller.device_id is None or action not in TAKING_PART:
        raise MalformedError(
            "A challenge is made by a device, to enrol, verify or identify.", "挑战须由设备为登记、验证或辨识发起。"
        )
    at = house.clock()
    made = Challenge(uuid4(), draw(secrets.SystemRandom()), at + timedelta(seconds=house.challenge_seconds))
    with house.database.transaction() as tx:
        if purpose not in {row["code"] for row in sites.read(tx, caller.operator_id, "purpose")}:
            raise NotFoundError(
                "There is no such purpose. See GET /v1/purposes.", "没有该目的。请查看 GET /v1/purposes。"
            )
        challenges.let_go(tx, caller.operator_id, at - timedelta(seconds=house.challenge_seconds))
        row = ChallengeRow(
            operator_id=caller.operator_id,
            challenge_id=made.challenge_id,
            device_id=caller.device_id,
            purpose=purpose,
            action=action.value,
            turns=[turn.value for turn in made.turns],
            made_at=at,
            expires_at=made.expires_at,
        )
        challenges.add(tx, row)
    house.count("challenge", "made")
    return made


def turns_of(house: House, question: Question) -> tuple[Turn, ...]:
    """Return the turns that an act has to show, none where it answers no challenge.

    Raises ConflictError where the check is off, or for a challenge that is unknown, used, over, or of another act.
    """
    if question.challenge is None:
        return ()
    if house.attack_check is AttackChecking.OFF:
        raise _off()
    with house.database.reading() as tx:
        row = _fitting(tx, question)
    if row is None or row.used_at is not None or question.at >= row.expires_at:
        raise unfit()
    return tuple(Turn(turn) for turn in row.turns)


def use(tx: Transaction, question: Question) -> bool:
    """Use up the challenge of an act, and return whether it could be; an act without one uses none."""
    if question.challenge is None:
        return True
    row = _fitting(tx, question)
    return row is not None and challenges.use(tx, row, question.at)


def unfit() -> ConflictError:
    """Return the error for a challenge that cannot be answered, whatever the reason: it is the same for all."""
    return ConflictError(
        "This challenge is not known here, was used, is over, or was made for another act. Ask for a new one: "
        "POST /v1/challenges.",
        "该挑战不存在、已使用、已过期或不属于本次操作。请重新获取：POST /v1/challenges。",
    )


def _fitting(tx: Transaction, question: Question) -> ChallengeRow | None:
    if question.challenge is None:
        return None
    row = challenges.find(tx, question.operator_id, question.challenge)
    made_for = (question.device_id, question.purpose, question.action.value)
    return row if row is not None and (row.device_id, row.purpose, row.action) == made_for else None


def _off() -> ConflictError:
    return ConflictError(
        "This server makes no active check for presentation attacks. Leave `challenge` and `steps` out.",
        "本服务器未启用主动呈现攻击检测。请省略 challenge 与 steps。",
    )
