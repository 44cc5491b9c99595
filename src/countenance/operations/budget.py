"""Budget: how many pictures a device, and whoever claims to be one person, may show in a day; more would be guessing.

A caller who sees nothing but match and non-match can still try faces until one passes, or feel the way to a template
along the threshold. Both take many pictures (thousands, for a template), so pictures are counted and not calls.
"""

from collections.abc import Mapping
from typing import Final

from countenance.answer import Finding, Outcome, Text
from countenance.operations.parts import House
from countenance.store import budgets
from countenance.store.database import Transaction
from countenance.store.gathering import Question
from countenance.vocabulary import TAKING_PART

_DEVICE: Final = "device"
_CLAIM: Final = "claim"

_OVER: Final[Mapping[str, Finding]] = {
    _DEVICE: Finding(
        None,
        None,
        Outcome.FORBIDS,
        (),
        Text(
            "This device has shown more pictures in 24 hours than one device needs.",
            "此设备 24 小时内提交的图片超过单台设备所需。",
        ),
        Text(
            "Serve people in the other way, and look at who tries: countenance records. The count falls hour by hour; "
            "where so many are right, raise COUNTENANCE_BUDGET_DEVICE.",
            "请以其他方式提供服务，并通过 countenance records 查看尝试情况。计数逐小时回落；如确需更多，"
            "请提高 COUNTENANCE_BUDGET_DEVICE。",
        ),
    ),
    _CLAIM: Finding(
        None,
        None,
        Outcome.FORBIDS,
        (),
        Text(
            "For this person more pictures that did not match were shown in 24 hours than anybody needs.",
            "24 小时内以此人名义提交且未匹配的图片过多。",
        ),
        Text(
            "Serve the person in the other way, and look at who tries: countenance records. The count falls hour by "
            "hour.",
            "请以其他方式为其服务，并通过 countenance records 查看尝试情况。计数逐小时回落。",
        ),
    ),
}


def spend(tx: Transaction, house: House, question: Question, pictures: int) -> Mapping[str, Finding]:
    """Count the pictures of an act before any is decoded, and return which counts let it go no further, and why.

    What goes no further is not counted, so a stranger's tries do not keep the person out for longer.
    """
    if question.action not in TAKING_PART:  # who is looked for at a distance is named, approved and reviewed
        return {}
    keys = _keys(house, question)
    if not keys:  # neither device nor claim: the law has refused it already
        return {}
    most = {_DEVICE: house.budget_device, _CLAIM: house.budget_claim}
    spent = budgets.spend(tx, question.operator_id, keys, pictures, question.at)
    over = [scope for scope, count in sorted(spent.items()) if count > most[scope]]
    if over:
        budgets.give_back(tx, question.operator_id, keys, pictures, question.at)
    return {scope: _OVER[scope] for scope in over}


def matched(tx: Transaction, house: House, question: Question, pictures: int) -> None:
    """Give the pictures of a match back to the claim: somebody who is often there is not guessing."""
    keys = {scope: key for scope, key in _keys(house, question).items() if scope == _CLAIM}
    budgets.give_back(tx, question.operator_id, keys, pictures, question.at)


def _keys(house: House, question: Question) -> dict[str, bytes]:
    """Return under which keys an act is counted: its device, and the word that claims a person, known or not."""
    vault = house.vault(question.operator_id)
    keys = {}
    if question.device_id is not None:
        keys[_DEVICE] = vault.request_mark(f"budget device {question.device_id}".encode())
    if question.subject_ref is not None:
        keys[_CLAIM] = vault.request_mark(f"budget claim {question.subject_ref}".encode())
    return keys
