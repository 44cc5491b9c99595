"""What an authority should look at: signals, from figures and messages, and never verdicts."""

from datetime import date, datetime, timedelta
from typing import Any, Final

from countenance.answer import Text
from countenance.authority.due import by_party, deadlines, owed
from countenance.authority.groups import groups
from countenance.authority.office import Office
from countenance.authority.reading import name_of
from countenance.authority.seen import CaseState, Group, Signal
from countenance.authority.stated import read_statement
from countenance.filing.lines import NEAR, lines
from countenance.filing.signals import MEANS, SignalKind
from countenance.store.database import Transaction
from countenance.store.register import cases, figures, parties, public
from countenance.store.register.cases import CaseRow
from countenance.store.register.figures import StatedRow
from countenance.store.register.parties import PartyRow

#: A quarter, and a week to send the statement of it.
SILENT_DAYS: Final = 99
_OTHER: Final = Text("The operator's server states a signal of its own.", "运营者服务器自行报告了一项信号。")


def signals(office: Office, tx: Transaction) -> list[Signal]:
    """Return what to look at, the newest first."""
    stated, filed = figures.newest(tx), by_party(cases.every(tx))
    found = [*_overdue(office, tx), *_inspected(tx)]
    for party in parties.every(tx):
        found += _of(office, party, filed.get(party.party_id, []), stated.get(party.party_id))
    for group in groups(office, tx):
        found += _of_group(office, group)
    return sorted(found, key=lambda each: each.at, reverse=True)


def _of(office: Office, party: PartyRow, filed: list[CaseRow], stated: StatedRow | None) -> list[Signal]:
    """Return what to look at with one party."""
    now, found = office.clock(), []

    def add(kind: str, at: datetime, en: str, zh: str) -> None:
        found.append(Signal(kind, party.party_id, name_of(party), party.group_name, at, Text(en, zh)))

    last = party.paired_at if stated is None else stated.at
    if now - last > timedelta(days=SILENT_DAYS):
        add("silent", last, "No statement has come for more than a quarter.", "超过一个季度未收到统计声明。")
    if party.refused:
        add(
            "forged",
            party.refused_at or party.paired_at,
            "Messages came in its name that its key had not signed; anybody can send such ones.",
            "收到以其名义但未由其密钥签名的消息；任何人都可能发送此类消息。",
        )
    for row in filed:
        if row.devices_unread and row.state != CaseState.ACCEPTED.value:
            add(
                "devices",
                row.filed_at,
                f"The file of the devices of its filing under {row.pack} cannot be read; the case has none.",
                f"其在 {row.pack} 下备案的设备清单无法读取，该备案未列入设备。",
            )
    if stated is None:
        return found
    for each in owed(office, filed, stated):
        add(
            "unfiled",
            stated.at,
            f"By its own figures a filing under {each.pack} is owed ({each.act}), and none came.",
            f"据其自报数据，应在 {each.pack} 下提交备案（{each.act}），但未收到。",
        )
    came = {row.pack for row in filed}
    for law, line in lines(office.packs, now):
        if line.persons_from and law.name not in came and line.near(stated.upper):
            percent = 100 * stated.upper // line.persons_from
            add(
                "near",
                stated.at,
                f"It stands at {percent} per cent of the line of {law.name} ({NEAR} and more is near).",
                f"已达 {law.name} 备案线的 {percent}%（{NEAR}% 及以上为接近）。",
            )
    for said in read_statement(stated.said).signals:
        add(_word(said.get("kind")), stated.at, *_texts(said))
    return found


def _word(said: Any) -> str:
    """Return the kind of a signal that an operator states, marked as its own word."""
    return f"stated_{said}" if isinstance(said, str) and said.isidentifier() and said.isascii() else "stated"


def _texts(said: dict[str, Any]) -> tuple[str, str]:
    """Return what a signal means that an operator states, and since when it says so."""
    kind = said.get("kind")
    means = MEANS[SignalKind(kind)] if isinstance(kind, str) and kind in set(SignalKind) else _OTHER
    try:
        since = date.fromisoformat(str(said.get("since"))).isoformat()
    except ValueError:
        return means.en, means.zh
    return f"{means.en} Since {since}, by its own statement.", f"{means.zh}据其声明，始于 {since}。"


def _overdue(office: Office, tx: Transaction) -> list[Signal]:
    return [
        Signal(
            "overdue",
            each.party_id,
            each.party_name,
            None,
            office.clock(),
            Text(
                f"Its filing under {each.pack} was due on {each.deadline.day.isoformat()}.",
                f"其在 {each.pack} 下的备案应于 {each.deadline.day.isoformat()} 前提交。",
            ),
        )
        for each in deadlines(office, tx)
        if each.overdue
    ]


def _inspected(tx: Transaction) -> list[Signal]:
    """Return what the newest inspection of each party found wrong."""
    names = {row.party_id: row for row in parties.every(tx)}
    newest: dict[str, Any] = {}
    for row in public.inspections(tx):
        if row.done_at is not None:
            newest.setdefault(row.party_id, row)
    return [
        Signal(
            "inspection", row.party_id, name_of(names[row.party_id]), None, row.done_at, Text(each["en"], each["zh"])
        )
        for row in newest.values()
        for each in row.findings
        if not each["holds"]
    ]


def _of_group(office: Office, group: Group) -> list[Signal]:
    """Return what to look at with a group as a whole."""
    found = []
    at = max((each.sketched_at for each in group.members if each.sketched_at is not None), default=office.clock())
    for pack in group.over:
        en = f"Together its members may hold {group.upper} persons, over the line of {pack}; none reaches it alone."
        zh = f"其成员合计可能存有 {group.upper} 人，超过 {pack} 备案线；单独均未达到。"
        found.append(Signal("group", None, None, group.name, at, Text(en, zh)))
    return found
