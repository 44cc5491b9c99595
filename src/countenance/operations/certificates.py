"""Certificates of erasure: what was destroyed and where that stands on record, left with every receipt it concerns.

A certificate names the operator, the purpose, figures and a record; nobody else. It bears no signature of its own: its
record stands under the digest given in the operator's signed log, and the receipt gets the proof of that.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from countenance.answer import Text
from countenance.forget import Destroyed
from countenance.operations.parts import House
from countenance.record import Recorded
from countenance.store import receipts, sites
from countenance.store.database import Transaction
from countenance.store.gathering import PLACE

FORMAT: Final = 1


class Act(StrEnum):
    """What ended a consent for good."""

    WITHDRAWN = "withdrawn"
    REFUSED = "refused"
    ERASED = "erased"
    OVER = "over"


_SAYS: Final = {
    Act.WITHDRAWN: Text(
        "The consent was taken back. What was kept for this purpose is destroyed, with the keys that sealed it.",
        "同意已撤回。为该目的保存的数据及其封存密钥均已销毁。",
    ),
    Act.REFUSED: Text(
        "The subject said no. What was kept for this purpose is destroyed, with the keys that sealed it.",
        "当事人已拒绝。为该目的保存的数据及其封存密钥均已销毁。",
    ),
    Act.ERASED: Text(
        "Everything kept of the subject is destroyed, with the keys that sealed it. What remains on record can no "
        "longer be tied to the person.",
        "该个人的全部数据及其封存密钥均已销毁。留存的记录已无法与本人关联。",
    ),
    Act.OVER: Text(
        "The session is over. Nothing was kept beyond it, and what remains on record can no longer be tied to the "
        "person.",
        "会话已结束。会话之外未保存任何数据，留存的记录已无法与本人关联。",
    ),
}
_EVIDENCE: Final = Text(
    "A backup of the database made before holds what was destroyed, sealed, until that backup is deleted, at the "
    "latest on the day given; restored before then, it is destroyed again. The record stands in the operator's signed "
    "log under this digest; with the receipt comes the proof, which anybody can check.",
    "此前的数据库备份在删除之前（最迟至所列日期）仍含有其封存副本；如在此之前恢复备份，将再次销毁。"
    "对应记录以上述摘要载入运营者的签名日志；凭回执可取得任何人均可核对的证明。",
)


def certify(
    tx: Transaction,
    house: House,
    act: Act,
    operator_id: str,
    destroyed: Destroyed,
    recorded: Recorded,
    *,
    purpose: str | None = None,
) -> None:
    """Leave a certificate with the subject's receipts of one purpose, or of all, in the transaction of the act.

    Where the subject's link to its records is cut, the receipts' own link goes with it.
    """
    found = receipts.uncertified(tx, operator_id, destroyed.subject_id, purpose)
    expires_at = recorded.at + timedelta(days=house.receipt_days)
    if found:
        (operator,) = sites.read(tx, operator_id, "operator")
        titles = {row["code"]: row["title"] for row in sites.read(tx, operator_id, "purpose")}
        says: dict[str, Any] = {
            "format": FORMAT,
            "act": act.value,
            "at": recorded.at.isoformat(),
            "operator": {name: operator[name] for name in ("name", "contact", "officer_contact")},
            "destroyed": destroyed.as_json(),
            "backups_until": (recorded.at + timedelta(days=house.backup_days)).astimezone(PLACE).date().isoformat(),
            "record": recorded.as_json(),
            "signature": None,
            "says": {"en": f"{_SAYS[act].en} {_EVIDENCE.en}", "zh": f"{_SAYS[act].zh}{_EVIDENCE.zh}"},
        }
        for receipt_id, code in found:
            about = {"receipt": receipt_id, "purpose": {"code": code, "title": titles[code]}}
            receipts.certify(tx, operator_id, receipt_id, says | about, expires_at)
    if act in {Act.ERASED, Act.OVER}:
        receipts.unlink(tx, operator_id, destroyed.subject_id)
