"""An inspection from outside: a party's log is mirrored and checked whole, and its count compared with what it stated.

Nothing is asked of the operator's server but its log. The log holds no figures, only the digest of each record; so a
statement encloses the record of its day, the log shows that this is the one, and the record that the count is.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from countenance.answer import Text
from countenance.authority.office import Office
from countenance.authority.seen import Finding
from countenance.authority.stated import RECORD_KIND, OnRecord, Statement, on_record, read_statement
from countenance.authority.watching import follow_parties, mirror_one
from countenance.authority.witness import mirrored_of
from countenance.errors import ConflictError, CountenanceError, MalformedError
from countenance.log.check import Flaw, check
from countenance.log.entries import LogEntry
from countenance.log.notes import Verifier
from countenance.log.policy import PolicyLog
from countenance.log.tiles import LogFiles
from countenance.store.register import figures
from countenance.store.register.figures import StatedRow
from countenance.store.register.parties import PartyRow

#: Statements enter the log every day; so long after the newest one something stands still.
FRESH_DAYS: Final = 3
#: So many statements of the party are compared with the log.
COMPARED_MAX: Final = 400

_FLAWS: Final = {
    Flaw.CHECKPOINT: Text("The checkpoint is missing or not signed by the log.", "检查点缺失或未由该日志签名。"),
    Flaw.ROLLBACK: Text("Entries that were signed are gone.", "已签署的条目缺失。"),
    Flaw.FORK: Text("This is another history than one that was signed.", "与已签署的历史不一致。"),
    Flaw.MISSING: Text("An entry is not in the files.", "文件中缺少条目。"),
    Flaw.ENTRY: Text("An entry is not written as entries are.", "条目格式不符。"),
    Flaw.TILE: Text("An entry and the hashes over it do not agree.", "条目与其哈希不符。"),
    Flaw.ROOT: Text("The entries are not those that were signed.", "条目与已签署的根哈希不符。"),
    Flaw.ORDER: Text("An entry is dated back.", "条目时间倒置。"),
    Flaw.DUPLICATE: Text("A record stands in the log twice.", "同一记录出现两次。"),
}


@dataclass(frozen=True, slots=True)
class Found:
    """What an inspection found, and of which log up to which entry."""

    origin: str | None
    size: int | None
    findings: tuple[Finding, ...]


def look_at(office: Office, party: PartyRow) -> Found:
    """Mirror and check a party's log, and compare its statements with it. What is wrong is a finding, never raised.

    Raises UnavailableError without the database.
    """
    if party.log_vkey is None or party.log_url is None:
        return Found(None, None, (_no("log", "The party named no log.", "该主体未提供日志。"),))
    known = PolicyLog(Verifier.of_vkey(party.log_vkey), party.log_url)
    origin = known.verifier.name
    follow_parties(office.database, office.witness)
    findings = []
    try:
        mirror_one(office, known)
    except ConflictError:
        findings.append(_yes("mirror", "The log is being mirrored at this moment.", "日志正在镜像。"))
    except CountenanceError as error:
        findings.append(_no("mirror", error.en, error.zh))
    else:
        findings.append(_yes("mirror", "The log was mirrored whole.", "日志已完整镜像。"))
    mirrored = mirrored_of(office.witness.directory, origin)
    if mirrored.checkpoint is None:
        if all(each.holds for each in findings):
            en = "Nothing of the log is here yet, so nothing was checked. Inspect again in a while."
            findings.append(_no("unchecked", en, "尚无该日志的镜像，因此未作检查。请稍后重新检查。"))
        return Found(origin, None, tuple(findings))
    report = check(mirrored.files, known.verifier, lambda *_: None)
    findings += [_no(flaw.value, _FLAWS[flaw].en, _FLAWS[flaw].zh) for flaw in report.found if flaw in _FLAWS]
    if not report.found:
        en, zh = f"{report.checked} entries hold.", f"{report.checked} 个条目均成立。"
        findings.append(_yes("entries", en, zh))
    if any(each.proven for each in office.witness.alarms.listed(origin)):
        findings.append(
            _no("alarm", "The log signed two histories; both are kept.", "该日志签署了两个历史，均已保存。")
        )
    with office.database.transaction() as tx:
        stated = figures.series(tx, party.party_id, COMPARED_MAX)
    if report.checked == report.size:
        findings += _compared(_statements(mirrored.files, report.size), stated, office.clock())
    return Found(origin, report.size, tuple(findings))


def _statements(files: LogFiles, size: int) -> dict[str, datetime]:
    """Return the statements in a log, by the digest of their record; what is no entry was found by the check."""
    found: dict[str, datetime] = {}
    for encoded in files.entries_from(0, size, size):
        try:
            entry = LogEntry.parse(encoded)
        except MalformedError:
            continue
        if entry.kind == RECORD_KIND:
            found[entry.digest.hex()] = entry.at
    return found


def _compared(logged: dict[str, datetime], stated: list[StatedRow], now: datetime) -> list[Finding]:
    """Compare the statements in a log with those that the party sent."""
    if not logged:
        return [_no("statements", "No statement stands in the log.", "日志中没有统计声明。")]
    newest = max(logged.values())
    findings = []
    if now - newest > timedelta(days=FRESH_DAYS):
        en, zh = f"The newest statement in the log is of {newest.date()}.", f"日志中最新统计声明为 {newest.date()}。"
        findings.append(_no("daily", en, zh))
    else:
        findings.append(_yes("daily", "Statements enter the log every day.", "统计声明每日写入日志。"))
    if not stated:
        return [*findings, _no("stated", "The party has sent no statement.", "该主体未发送统计声明。")]
    read = {row.day: read_statement(row.said) for row in stated}
    recorded = {day: on_record(said) for day, said in read.items()}
    absent = sorted(day for day, each in recorded.items() if each is None or each.digest not in logged)
    less = sorted(day for day, each in recorded.items() if each is not None and _less(read[day], each))
    if absent:
        en = f"{len(absent)} of {len(read)} statements that came do not stand in the log; the first is of {absent[0]}."
        zh = f"收到的 {len(read)} 份统计声明中有 {len(absent)} 份不在日志中；首份为 {absent[0]}。"
        findings.append(_no("stated", en, zh))
    if less:
        en = f"{len(less)} statements say less than the record of their day in the log; the first is of {less[0]}."
        zh = f"{len(less)} 份统计声明少于日志中当日记录；首份为 {less[0]}。"
        findings.append(_no("less", en, zh))
    if not absent and not less:
        en, zh = (
            "Every statement that came stands in the log, and says no less.",
            "收到的统计声明均在日志中，且数值不低。",
        )
        findings.append(_yes("stated", en, zh))
    return findings


def _less(said: Statement, record: OnRecord) -> bool:
    """Return whether a statement hides what its own record says: the peak and the sum of all never fall in a day."""
    return (
        said.day != record.day
        or said.persons.top < record.persons.top
        or said.persons.cumulative < record.persons.cumulative
    )


def _yes(code: str, en: str, zh: str) -> Finding:
    return Finding(code, holds=True, text=Text(en, zh))


def _no(code: str, en: str, zh: str) -> Finding:
    return Finding(code, holds=False, text=Text(en, zh))
