"""The operator's log, on the server's own machine: how it stands, whether it holds, a copy to hand on, its end."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from countenance.cli.bars import bar
from countenance.cli.house import Json, Operator, choose_operator, settings
from countenance.errors import MalformedError, NotFoundError

if TYPE_CHECKING:
    from countenance.operations.examine import Examined, Scope
    from countenance.operations.sequence import Sequencer

log_app = typer.Typer(help="The operator's log.", no_args_is_help=True)

_DAYS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z"]
Since = Annotated[datetime | None, typer.Option("--from", formats=_DAYS, help="From this day, or instant, on.")]
Until = Annotated[datetime | None, typer.Option("--to", formats=_DAYS, help="Up to this day, or before this instant.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]

#: What each flaw means, for whoever has to act on it.
SAYS = {
    "checkpoint": ("the checkpoint is missing, or this log's key did not sign it", "检查点缺失或未由本日志密钥签名"),
    "rollback": ("entries that were signed are gone", "已签署的条目缺失"),
    "fork": ("this is another history than one that was signed", "与已签署的历史不一致"),
    "missing": ("an entry is not in the files", "文件中缺少条目"),
    "entry": ("an entry is not written as entries are", "条目格式不符"),
    "tile": ("an entry and the hashes over it do not agree", "条目与其哈希不符"),
    "root": ("the entries are not those that were signed", "条目与已签署的根哈希不符"),
    "order": ("an entry is dated back", "条目时间倒置"),
    "duplicate": ("a record stands in the log twice", "同一记录出现两次"),
    "body": ("a record is not the one in the log", "记录与日志条目不符"),
    "lost": ("a record is gone", "记录缺失"),
    "state": (
        "something was done without an entry, or an entry is there of which nothing was done",
        "状态与条目不一致",
    ),
}


@log_app.command("status")
def status_command(operator: Operator = None, as_json: Json = False) -> None:
    """Show each log of the operator: its name, its public key, how much is signed and how much waits."""
    from countenance.app import logs, open_database
    from countenance.store import logged

    chosen = settings()
    where = logs(chosen)
    with open_database(chosen) as database, database.reading() as tx:
        operator_id = choose_operator(database, operator)
        waiting, rows = logged.backlog(tx, operator_id), logged.every(tx, operator_id)
    said = []
    for row in rows:
        published = where.published(row)
        said.append(
            {
                "origin": row.origin,
                "vkey": where.verifier(row).as_vkey() if published else None,
                "signed": published[0].size if published else 0,
                "ended": row.ended_at is not None,
                "directory": str(where.files(operator_id, row.generation).directory),
            }
        )
    if as_json:
        typer.echo(json.dumps({"logs": said, "waiting": waiting}, indent=1))
        return
    for each in said:
        ended = ", ended" if each["ended"] else ""
        typer.echo(f"{each['origin']}: {each['signed']} entries signed{ended}\n  {each['vkey']}\n  {each['directory']}")
    typer.echo(f"{waiting} records wait." if said else "No log has begun; it begins with the first record served.")


@log_app.command("verify")
def verify_command(
    operator: Operator = None,
    since: Since = None,
    until: Until = None,
    known: Annotated[
        list[Path] | None, typer.Option("--known", help="A checkpoint of this log that was kept elsewhere; repeatable.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check every entry, tile and signature, each record against its entry, and what the records did; exit 1 if wrong.

    With a period, only its records are looked at; the tree is checked whole all the same.
    """
    from countenance.app import logs, open_database
    from countenance.operations.examine import examine

    chosen = settings()
    scope = _scope(since, until, known or [])
    with open_database(chosen) as database, bar("Entries") as progress:
        done = examine(database, logs(chosen), choose_operator(database, operator), progress, scope)
    if not done:
        raise NotFoundError("There is no log yet.", "尚无日志。")
    if as_json:
        typer.echo(json.dumps([_as_json(each) for each in done], indent=1))
    else:
        for each in done:
            _show(each)
    if any(each.report.found for each in done):
        raise typer.Exit(1)


@log_app.command("export")
def export_command(
    directory: Annotated[Path, typer.Argument(metavar="DIRECTORY", help="A new folder.")],
    operator: Operator = None,
    since: Since = None,
    until: Until = None,
    origin: Annotated[str | None, typer.Option("--log", help="A log by its name; the newest otherwise.")] = None,
) -> None:
    """Write the log and the records of a period into a folder, which tools/verify_log.py checks without this server."""
    from countenance.app import logs, open_database
    from countenance.operations.export_log import export_log
    from countenance.store import logged

    chosen = settings()
    scope = _scope(since, until, [])
    with open_database(chosen) as database, bar("Records") as progress:
        operator_id = choose_operator(database, operator)
        with database.reading() as tx:
            rows = logged.every(tx, operator_id)
        named = [row for row in rows if origin in {None, row.origin}]
        if not named:
            raise NotFoundError("There is no such log.", "没有该日志。")
        size, bodies = export_log(database, logs(chosen), named[-1], directory, progress, scope)
    typer.echo(f"{size} entries, and the records of {bodies.start} to before {bodies.stop}, in {directory}. Check:")
    typer.echo(f"  verify_log.py {directory} --vkey KEY --from {bodies.start} --to {bodies.stop}")


@log_app.command("freeze")
def freeze_command(operator: Operator = None, yes: Yes = False) -> None:
    """End the log: its last entry says so. Records wait until a new one begins: countenance log continue."""
    from countenance.operations.turn import freeze

    if not yes:
        typer.confirm("The log takes no further entry, for ever. Go on?", abort=True)
    with _sequencer(operator) as (sequencer, operator_id):
        ended = freeze(sequencer, operator_id)
    typer.echo(f"{ended.origin} ended at {ended.size} entries.")


@log_app.command("continue")
def continue_command(
    operator: Operator = None,
    abandon: Annotated[
        bool, typer.Option("--abandon", help="Leave the present log as it is: its key is lost, or it was put back.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Begin a new log with a new key; the old one's last entry names it, and the new one's first names the old."""
    from countenance.operations.turn import continue_log

    if not yes:
        typer.confirm("The present log ends, and a new one begins with a new key. Go on?", abort=True)
    with _sequencer(operator) as (sequencer, operator_id):
        ended, begun = continue_log(sequencer, operator_id, abandon=abandon)
        vkey = sequencer.logs.verifier(begun).as_vkey()
    if ended is not None:
        typer.echo(f"{ended.origin} ended at {ended.size} entries.")
    typer.echo(f"{begun.origin} begins. Hand its key to whoever checks it:\n{vkey}")


@log_app.command("adopt")
def adopt_command(operator: Operator = None, yes: Yes = False) -> None:
    """Let a database that was put back by other means know what the log has beyond it; that goes on record."""
    from countenance.operations.turn import take_up

    if not yes:
        typer.confirm("Records after the database was saved are lost; the log goes on behind them. Go on?", abort=True)
    with _sequencer(operator) as (sequencer, operator_id):
        beyond = take_up(sequencer, operator_id)
    typer.echo("The log has no more." if beyond is None else f"Entries {beyond[0]} to {beyond[1] - 1} have no record.")


@log_app.command("rebuild")
def rebuild_command(operator: Operator = None) -> None:
    """Write the files of logs again from the records, where they are lost without a copy; nothing new is signed."""
    from countenance.operations.turn import rebuild

    with _sequencer(operator) as (sequencer, operator_id), bar("Entries") as progress:
        done = rebuild(sequencer, operator_id, progress)
    for each in done:
        typer.echo(f"{each.origin}: {each.size} entries.")
    typer.echo("Compare them with checkpoints that were kept: countenance log verify --known FILE")


@contextmanager
def _sequencer(operator: str | None) -> Iterator[tuple["Sequencer", str]]:
    """Yield who writes the operator's log."""
    from countenance.app import logs, now, open_database
    from countenance.operations.sequence import Sequencer

    chosen = settings()
    with open_database(chosen) as database:
        yield Sequencer(database, logs(chosen), now), choose_operator(database, operator)


def _scope(since: datetime | None, until: datetime | None, known: list[Path]) -> "Scope":
    """Return what is to be checked; a day begins and ends where the law is in force."""
    from countenance.operations.examine import Scope

    end = until
    if until is not None and until.tzinfo is None:
        end = until + timedelta(days=1)
    return Scope(_instant(since), _instant(end), [_kept(path) for path in known])


def _instant(at: datetime | None) -> datetime | None:
    from countenance.store.gathering import PLACE

    return at if at is None or at.tzinfo is not None else at.replace(tzinfo=PLACE)


def _kept(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise MalformedError(
            "The checkpoint cannot be read. Check the path.", "无法读取检查点，请检查路径。"
        ) from error


def _show(each: "Examined") -> None:
    report = each.report
    restored = f", {report.restored} of them without their record, as a restore says" if report.restored else ""
    waiting = f"; {each.waiting} records wait" if each.waiting else ""
    typer.echo(f"{each.row.origin}: {report.checked} of {report.size} entries checked{restored}{waiting}.")
    for flaw, (first, often) in sorted(report.found.items()):
        en, zh = SAYS[flaw.value]
        at = "" if first is None else f" at entry {first}"
        more = f", and {often - 1} more" if often > 1 else ""
        typer.echo(f"  WRONG {flaw.value}{at}{more}: {en}. {zh}。")
    if not report.found:
        typer.echo("  Nothing is wrong.")


def _as_json(each: "Examined") -> dict[str, object]:
    report = each.report
    return {
        "origin": each.row.origin,
        "size": report.size,
        "root": report.root.hex(),
        "checked": report.checked,
        "restored": report.restored,
        "waiting": each.waiting,
        "findings": [
            {"code": flaw.value, "index": first, "more": often - 1}
            for flaw, (first, often) in sorted(report.found.items())
        ],
    }
