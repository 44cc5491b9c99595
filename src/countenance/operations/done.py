"""Done: a person says that something was done which the server cannot see, and its clock begins anew, on record."""

from datetime import date, datetime

from countenance.errors import MalformedError, NotFoundError
from countenance.filing.clock_words import SAID, ClockKind
from countenance.record import Entry, append
from countenance.store import clocks, sites
from countenance.store.database import Transaction
from countenance.store.gathering import PLACE


def say_done(tx: Transaction, operator_id: str, kind: ClockKind, about: str, day: date, by: str, at: datetime) -> None:  # noqa: PLR0917
    """Keep that something was done on a day, and record it.

    Raises MalformedError for what the server sees by itself or a day to come, NotFoundError for a purpose not on file.
    """
    if kind not in SAID:
        listed = ", ".join(sorted(each.value for each in SAID))
        raise MalformedError(
            f"Of this the server knows by itself, from the site file or from what is done in it. Say one of: {listed}.",
            f"此项由服务器依站点文件或系统内操作自行判断。可登记的有：{listed}。",
        )
    if day > at.astimezone(PLACE).date():
        raise MalformedError("That day is still to come. Say when it was done.", "该日期尚未到来。请填写完成日期。")
    purposes = {row["code"] for row in sites.read(tx, operator_id, "purpose")}
    if (kind is ClockKind.PURPOSE_REVIEW and about not in purposes) or (kind is not ClockKind.PURPOSE_REVIEW and about):
        raise NotFoundError(
            "A review is of one purpose in the site file, named by --about; the others are of nothing in particular.",
            "审查须以 --about 指定站点文件中的一个处理目的；其他事项无需指定。",
        )
    clocks.say_done(tx, operator_id, (kind.value, about), day, by, at)
    said = {"deadline": kind.value, "about": about, "on": day.isoformat()}
    append(tx, Entry(operator_id=operator_id, at=at, kind="deadline", outcome="done", by=by, details=said))
