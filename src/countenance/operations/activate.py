"""Activate a purpose, register a device: the law is asked before either is used for the first time."""

from dataclasses import replace

from countenance import facts as f
from countenance.answer import Refusal
from countenance.errors import NotFoundError
from countenance.operations.parts import Caller, House, Permitted, Refused
from countenance.operations.steps import Asked, ask, refused, write
from countenance.store import activations, sites
from countenance.store.database import Transaction
from countenance.store.gathering import Question
from countenance.vocabulary import Action


def activate(house: House, caller: Caller, purpose: str) -> Permitted | Refused:
    """Make a purpose active, if the law permits it at every device of its venues; else refuse with every finding.

    A purpose without any device is asked about once, with place and device unknown. Raises NotFoundError for a purpose
    that is not on file.
    """
    with house.database.transaction() as tx:
        # 1. Hold the site: no device comes in while the law is asked about those on file.
        sites.lock(tx, caller.operator_id)

        # 2. Ask the law, once for each device; devices of which the same is known are one decision.
        alike: dict[f.Facts, list[Asked]] = {}
        for asked in ask_at_devices(tx, house, caller.operator_id, purpose):
            alike.setdefault(asked.facts, []).append(asked)
        answers = [group[0].answer for group in alike.values()]
        refusals = [answer for answer in answers if isinstance(answer, Refusal)]
        findings = tuple(dict.fromkeys(finding for refusal in refusals for finding in refusal.findings))

        # 3. Record every decision, and activate, in the same transaction.
        recorded = []
        for answer, group in zip(answers, alike.values(), strict=True):
            outcome = "refused" if isinstance(answer, Refusal) else "permitted" if findings else "activated"
            details = {"devices": [asked.question.device_id for asked in group if asked.question.device_id]}
            recorded.append(write(tx, house, caller, group[0], outcome, answers=(answer,), details=details))
        if not findings:
            activations.activate(tx, caller.operator_id, purpose, caller.credential_id, answers[0].at)
    house.count("activate_purpose", "refused" if findings else "activated")
    for answer, where in zip(answers, recorded, strict=True):
        if isinstance(answer, Refusal):
            return Refused(replace(answer, findings=findings), where)
        if not findings:
            return Permitted(answer, where)
    raise AssertionError  # where there are findings, one of the answers is a refusal


def ask_at_devices(tx: Transaction, house: House, operator_id: str, purpose: str) -> list[Asked]:
    """Ask whether a purpose may be activated at each device of its venues; raises NotFoundError where it is none."""
    at = house.clock()
    devices: list[str | None] = [*activations.devices_for(tx, operator_id, purpose)]
    questions = [
        Question(operator_id=operator_id, action=Action.ACTIVATE_PURPOSE, at=at, purpose=purpose, device_id=device_id)
        for device_id in devices or [None]
    ]
    found = [ask(tx, house, question) for question in questions]
    if not all(asked.on_file.purpose_known for asked in found):
        raise NotFoundError("There is no such purpose. See GET /v1/purposes.", "没有该目的。请查看 GET /v1/purposes。")
    return found


def register(house: House, caller: Caller, device_id: str, purpose: str) -> Permitted | Refused:
    """Register a device where it stands now, if the law permits it; a device that moves is registered anew.

    What it stands as is kept, and compared at every decision: after a change of its place it is registered no longer.
    Raises NotFoundError for a device that is not on file.
    """
    with house.database.transaction() as tx:
        # 1. Hold the site, so that what is asked about is what is registered.
        sites.lock(tx, caller.operator_id)

        # 2. Ask the law.
        asked = ask_to_register(tx, house, caller.operator_id, device_id, purpose)
        if isinstance(asked.answer, Refusal):
            return refused(tx, house, caller, asked, asked.answer)

        # 3. Register and record, in the same transaction.
        standing, at = asked.on_file.standing or {}, asked.question.at
        activations.register(tx, caller.operator_id, device_id, standing, caller.credential_id, at)
        recorded = write(tx, house, caller, asked, "registered", answers=(asked.answer,))
    house.count("register_device", "registered")
    return Permitted(asked.answer, recorded)


def ask_to_register(tx: Transaction, house: House, operator_id: str, device_id: str, purpose: str) -> Asked:
    """Ask whether a device may be registered where it stands now; raises NotFoundError where it is not on file."""
    question = Question(
        operator_id=operator_id,
        action=Action.REGISTER_DEVICE,
        at=house.clock(),
        purpose=purpose,
        device_id=device_id,
    )
    asked = ask(tx, house, question)
    if not asked.on_file.device_known:
        raise NotFoundError("There is no such device. See GET /v1/devices.", "没有该设备。请查看 GET /v1/devices。")
    return asked
