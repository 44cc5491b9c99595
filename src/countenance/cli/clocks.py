"""The operator's clocks, on the server's own machine: what ends when, who was reminded, a test of the ways."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from countenance.cli.house import Json, Operator, choose_operator, settings

if TYPE_CHECKING:
    from countenance.filing.clocks import Clock
    from countenance.operations.line import Trouble
    from countenance.store.reminders import Reminder

#: What kept a reminder from being sent, for whoever has to mend it.
TROUBLE = {
    "unreachable": ("the other side cannot be reached; check its address", "无法连接对方，请检查地址"),
    "slow": ("the other side did not answer in time", "对方未及时回复"),
    "certificate": (
        "the certificate is not one to trust for that name; check the address, and SSL_CERT_FILE for an own authority",
        "证书对该主机名不可信，请检查地址；自建证书机构请设置 SSL_CERT_FILE",
    ),
    "unsealed": ("the mail server offers no STARTTLS; use smtps, or another server", "邮件服务器不支持 STARTTLS"),
    "private": (
        "the address is in a private network; if that is meant, set COUNTENANCE_WEBHOOK_PRIVATE",
        "地址位于私有网络；如属有意，请设置 COUNTENANCE_WEBHOOK_PRIVATE",
    ),
    "redirected": (
        "the address leads elsewhere, which is not followed; name the right one",
        "地址发生重定向，系统不予跟随",
    ),
    "secret": (
        "the password or the secret is missing, too short, or not the right one",
        "口令或密钥缺失、过短或不正确",
    ),
    "refused": ("the other side refused it", "对方拒绝接收"),
}


def deadlines_command(operator: Operator = None, as_json: Json = False) -> None:
    """Show every clock that runs, over first: its last day, the working days left, and what to do next."""
    from countenance.app import now, open_database, packs
    from countenance.app.ways import ways
    from countenance.filing.clocks import clocks

    chosen = settings()
    law, terms = packs(chosen), ways(chosen).terms
    with open_database(chosen) as database:
        operator_id = choose_operator(database, operator)
        with database.reading() as tx:
            found = clocks(tx, law, operator_id, now(), terms)
    if as_json:
        typer.echo(json.dumps({"deadlines": [_as_json(each) for each in found]}, indent=1, ensure_ascii=False))
        return
    for each in found:
        typer.echo(_line(each))
    if not found:
        typer.echo("No clock runs.")


def _line(clock: "Clock") -> str:
    provisional = " (provisional)" if clock.provisional else ""
    head = f"{clock.state.value:8} {clock.last_day}{provisional}  {clock.working_days_left:4} working days left"
    return f"{head}  {clock.what.en} · {clock.what.zh}\n         {clock.then.en} · {clock.then.zh}"


def _as_json(clock: "Clock") -> dict[str, object]:
    return {
        "kind": clock.kind.value,
        "about": clock.about,
        "starts_on": None if clock.starts_on is None else clock.starts_on.isoformat(),
        "last_day": clock.last_day.isoformat(),
        "until": None if clock.until is None else clock.until.isoformat(),
        "provisional": clock.provisional,
        "days_left": clock.days_left,
        "working_days_left": clock.working_days_left,
        "state": clock.state.value,
        "what": {"en": clock.what.en, "zh": clock.what.zh},
        "then": {"en": clock.then.en, "zh": clock.then.zh},
    }


def remind_command(
    operator: Operator = None,
    test: Annotated[bool, typer.Option("--test", help="Send one test by each way that is set.")] = False,
) -> None:
    """Show the newest reminders and what became of them; with --test, see whether mail and webhook arrive.

    A running server reminds by itself, every hour.
    """
    from countenance.app import now, open_database
    from countenance.app.ways import ways
    from countenance.operations.remind import send_trial
    from countenance.store import reminders

    chosen = settings()
    set_ways = ways(chosen)
    with open_database(chosen) as database:
        operator_id = choose_operator(database, operator)
        if test:
            _tried(send_trial(database, operator_id, set_ways, "console", now()))
            return
        with database.reading() as tx:
            held = reminders.listed(tx, operator_id, 50)
    for each in held:
        typer.echo(_reminded(each))
    if not held:
        typer.echo("Nobody was reminded yet.")


def _tried(done: "Mapping[str, Trouble | None]") -> None:
    """Say what came of a test; exit code 1 where something did not go out."""
    for way, trouble in done.items():
        en, zh = ("sent", "已发送") if trouble is None else TROUBLE[trouble.value]
        typer.echo(f"{way}: {en} · {zh}")
    if not done:
        typer.echo("No way is set, so the console alone reminds. See docs/guide/reminders.md.")
    if any(trouble is not None for trouble in done.values()):
        raise typer.Exit(1)


def _reminded(held: "Reminder") -> str:
    if held.sent_at is not None:
        state = f"sent {held.sent_at:%Y-%m-%d %H:%M}Z"
    elif held.next_at is not None:
        state = f"waits, tried {held.tries} times, next {held.next_at:%Y-%m-%d %H:%M}Z: {held.trouble or 'not tried'}"
    else:
        state = f"given up, as nobody needs it any more: {held.trouble or 'not tried'}"
    step = "overdue" if held.step == 0 else f"{held.step} days before"
    return f"{held.way:8} {held.kind} {held.about} {held.last_day}, {step}: {state}"


def done_command(
    kind: Annotated[str, typer.Argument(help="officer_report, audit or purpose_review.")],
    about: Annotated[str, typer.Option("--about", help="The purpose that was reviewed.")] = "",
    on: Annotated[
        datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="The day it was done; today, if left out.")
    ] = None,
    operator: Operator = None,
) -> None:
    """Say that something was done which the server cannot see; its clock begins anew, and that goes on record."""
    from countenance.app import now, open_database
    from countenance.errors import MalformedError
    from countenance.filing.clock_words import ClockKind
    from countenance.operations.done import say_done
    from countenance.store.gathering import PLACE

    known = {each.value: each for each in ClockKind}
    if kind not in known:
        raise MalformedError(
            "There is no such clock. Say officer_report, audit or purpose_review.",
            "没有此期限。请填写 officer_report、audit 或 purpose_review。",
        )
    at = now()
    day: date = at.astimezone(PLACE).date() if on is None else on.date()
    with open_database(settings()) as database:
        operator_id = choose_operator(database, operator)
        with database.transaction() as tx:
            say_done(tx, operator_id, known[kind], about, day, "console", at)
    typer.echo("Noted, and on record.")
