"""The duty to file: how near, what is stated, with which authority, what was sent and what it said."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from countenance.cli.answers import asking, client, say
from countenance.cli.clocks import deadlines_command, done_command, remind_command
from countenance.cli.house import Json, Operator, choose_operator, settings
from countenance.cli.package import assessment_app, document_command, package_command, write_private
from countenance.cli.sketch import group_key_command, intersect_app, sketch_command, spot_app, union_command
from countenance.errors import CountenanceError, MalformedError
from countenance.vocabulary import FilingKind

if TYPE_CHECKING:
    from countenance.filing.exchange import Message
    from countenance.operations.correspond import Correspondence
    from countenance.store.exchanges import ExchangedRow

filing_app = typer.Typer(
    help="The duty to file: the count, the documents, and the authority.", invoke_without_command=True
)
filing_app.command("package")(package_command)
filing_app.command("document")(document_command)
filing_app.add_typer(assessment_app, name="assessment")
filing_app.command("deadlines")(deadlines_command)
filing_app.command("remind")(remind_command)
filing_app.command("done")(done_command)
filing_app.command("group-key")(group_key_command)
filing_app.command("sketch")(sketch_command)
filing_app.command("union")(union_command)
filing_app.add_typer(intersect_app, name="intersect")
filing_app.add_typer(spot_app, name="spot-check")


@filing_app.callback()
def _root(context: typer.Context, as_json: Json = False) -> None:
    """Show how near the lines are from which a filing is demanded, and how long there is to file."""
    if context.invoked_subcommand is None:
        status_command(as_json=as_json)


@filing_app.command("status")
def status_command(as_json: Json = False) -> None:
    """Show how near the lines are from which a filing is demanded, and how long there is to file."""
    found = asking(lambda: client().filing(), as_json=as_json)
    if as_json:
        say(found, as_json=True, line="")
        return
    for each in found["filing"]:
        state = (each["state"] or "unknown").replace("_", " ")
        line = "" if each["persons_line"] is None else f" of {each['persons_line']} ({each['percent']} %)"
        more = "" if each["upper"] == each["persons"] else f", {each['upper']} with backups and elsewhere"
        typer.echo(f"{each['pack']:16} {state:8} {each['persons']} persons{line}{more}{_time_to_file(each)}")


def _time_to_file(each: dict[str, Any]) -> str:
    """Return what is left of the time to file, or the number of the filing."""
    if each["state"] == "filed":
        return f"; filed as {each['number'] or 'a number still to come'} on {each['filed_on']}"
    if each["deadline"] is None:
        return ""
    provisional = " (provisional)" if each["provisional"] else ""
    until = f"until {each['deadline']}{provisional}, {each['working_days_left']} working days left"
    if each["demands"] == "first":
        return f"; raised on {each['raised_on']}, {until}"
    return f"; filed on {each['filed_on']}, and a {each['demands']} is due {until}"


@filing_app.command("count")
def count_command(operator: Operator = None, as_json: Json = False) -> None:
    """Count the persons from what is stored and compare; ends with 1 where the kept count differed, and mends it."""
    from countenance.app import now, open_database, packs
    from countenance.operations.counting import check_count

    chosen = settings()
    law = packs(chosen)
    with open_database(chosen) as database:
        operator_id = choose_operator(database, operator)
        found = check_count(database, law, operator_id, now())
    if as_json:
        typer.echo(json.dumps({"kept": found.kept, "stored": found.stored, "agrees": found.agrees}))
    elif found.agrees:
        typer.echo(f"{found.stored} persons, as counted.")
    else:
        typer.echo(
            f"{found.kept} were counted, {found.stored} are stored. The count was mended, and that is on record."
        )
    if not found.agrees:
        raise typer.Exit(1)


@filing_app.command("statement")
def statement_command(
    to: Annotated[
        Path | None, typer.Option("--to", help="Write it here, signed; without it, it is printed unsigned.")
    ] = None,
    operator: Operator = None,
) -> None:
    """State the count, its bounds and peak, the days of a quarter, duties and signals; below every line as above it."""
    from countenance.filing.statement import statement
    from countenance.operations.submit import signed_statement

    with _correspondence() as co:
        operator_id = choose_operator(co.sources.database, operator)
        if to is not None:
            write_private(to, signed_statement(co, operator_id))
            typer.echo(f"{to}: signed by {co.signer(operator_id).verifier.as_vkey()}")
            return
        with co.sources.database.snapshot() as tx:
            said = statement(tx, co.sources.packs, operator_id, co.clock())
    typer.echo(json.dumps(said, ensure_ascii=False, indent=1))


@filing_app.command("pair")
def pair_command(
    url: Annotated[str, typer.Argument(metavar="URL", help="The authority's address.")],
    code: Annotated[str, typer.Argument(metavar="CODE", help="The pairing code that it handed over.")],
    operator: Operator = None,
) -> None:
    """Pair with an authority: its key is the one that the code names, or nothing is sent."""
    from countenance.operations.correspond import pair

    with _correspondence() as co:
        row = pair(co, choose_operator(co.sources.database, operator), url, code)
    typer.echo(f"Paired with {row.vkey.partition('+')[0]} as {row.party}.")


@filing_app.command("send")
def send_command(
    pack: Annotated[str | None, typer.Option("--pack", help="File under this pack of law.")] = None,
    act: Annotated[FilingKind | None, typer.Option("--act", help="What is filed; without it, what is due.")] = None,
    statement: Annotated[bool, typer.Option("--statement", help="Send the statement of today.")] = False,
    share: Annotated[str | None, typer.Option("--share", help="Send the sketch for this group.")] = None,
    amends: Annotated[str | None, typer.Option("--amends", help="The id of the filing that was returned.")] = None,
    operator: Operator = None,
) -> None:
    """Prepare a filing, a statement or a sketch, and deliver it with whatever else waits; collect what came.

    Without an option only what waits is delivered. What cannot be delivered now waits, and the server goes on trying.
    """
    from countenance.operations import submit

    if pack is None and (act is not None or amends is not None):
        raise MalformedError(
            "--act and --amends say what is filed under a pack. Name it with --pack.",
            "--act 与 --amends 须与 --pack 一并使用。",
        )
    with _correspondence() as co:
        operator_id = choose_operator(co.sources.database, operator)
        if pack is not None:
            typer.echo(f"Prepared: {submit.file(co, operator_id, pack, act, amends=amends)}")
        if statement:
            typer.echo(f"Prepared: {submit.state(co, operator_id, by='console')}")
        if share is not None:
            typer.echo(f"Prepared: {submit.share(co, operator_id, share)}")
        _exchange(co, operator_id)


@filing_app.command("answer")
def answer_command(
    question: Annotated[str, typer.Argument(metavar="ID", help="The id of what the authority asked.")],
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The answer.")],
    operator: Operator = None,
) -> None:
    """Answer what the authority asked or why it returned a filing."""
    from countenance.operations import submit

    with _correspondence() as co:
        operator_id = choose_operator(co.sources.database, operator)
        typer.echo(f"Prepared: {submit.answer(co, operator_id, question, text)}")
        _exchange(co, operator_id)


def _exchange(co: "Correspondence", operator_id: str) -> None:
    from countenance.operations.correspond import exchange

    try:
        delivered, collected = exchange(co, operator_id)
    except CountenanceError as error:
        typer.echo(f"Not delivered now: {error.en} It waits, and is tried again. · {error.zh}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{delivered} delivered, {collected} collected.")


@filing_app.command("messages")
def messages_command(operator: Operator = None, as_json: Json = False) -> None:
    """Show what was said both ways, the newest first, and what waits."""
    from countenance.app import open_database
    from countenance.filing.exchange import message_of
    from countenance.store import exchanges

    with open_database(settings()) as database, database.reading() as tx:
        operator_id = choose_operator(database, operator)
        authority, rows = exchanges.authority(tx, operator_id), exchanges.said(tx, operator_id)
    said = [_said(row, message_of(row.note) if row.note else None) for row in rows]
    if as_json:
        typer.echo(json.dumps({"messages": said}, ensure_ascii=False, indent=1))
        return
    if authority is None:
        typer.echo("Paired with no authority.")
    elif authority.trouble is not None:
        typer.echo(f"Trouble: {authority.trouble.en} · {authority.trouble.zh}")
    for each in said:
        way = "to" if each["outgoing"] else "from"
        typer.echo(f"{each['at']}  {way:4} {each['kind']:10} {each['state']:9} {each['id']}")
        if each["text"]:
            typer.echo(f"    {each['text']}")


def _said(row: "ExchangedRow", message: "Message | None") -> dict[str, Any]:
    state = "collected" if not row.outgoing else "waits" if row.waits else "refused" if row.refused else "delivered"
    body = {} if message is None else message.body
    text = f"{row.refused.en} · {row.refused.zh}" if row.refused else body.get("text") or body.get("number")
    return {
        "id": row.message_id.hex(),
        "outgoing": row.outgoing,
        "kind": row.kind,
        "at": row.at.isoformat(timespec="seconds"),
        "state": state,
        "about": None if row.about is None else row.about.hex(),
        "text": text,
    }


@contextmanager
def _correspondence() -> Iterator["Correspondence"]:
    from countenance.app import keys, logs, now, open_database, packs
    from countenance.operations.correspond import Correspondence
    from countenance.operations.dossier import Sources
    from countenance.vault.vaults import Vaults

    chosen = settings()
    law, where, vaults = packs(chosen), logs(chosen), Vaults(keys(chosen))
    with open_database(chosen) as database:
        yield Correspondence(Sources(database, law, where, chosen), vaults.of, now)
