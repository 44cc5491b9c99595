"""The authority's own server and what its clerks do on its machine; what is done here is done by `console`."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from countenance.cli.house import Json, start_logging
from countenance.errors import ConflictError, MalformedError, UnavailableError

if TYPE_CHECKING:
    from countenance.app.authority import AuthoritySettings
    from countenance.authority.desk import Desk
    from countenance.authority.seen import Case, Inspection

authority_app = typer.Typer(help="The authority's side of filing: inbox, register, inspections.", no_args_is_help=True)
clerk_app = typer.Typer(help="The people who work at the authority's desk.", no_args_is_help=True)
authority_app.add_typer(clerk_app, name="clerk")

#: Under which name the conversation shows what was done here.
CONSOLE: Final = "console"

CaseId = Annotated[int, typer.Argument(metavar="CASE", help="The number of the case in `countenance authority cases`.")]
Words = Annotated[str, typer.Argument(metavar="TEXT", help="What the operator is told.")]


@authority_app.command("serve")
def serve_command() -> None:
    """Serve operators, clerks and the public until stopped; the settings come from the environment."""
    from countenance.app.authority import open_desk, serve_authority

    chosen = _settings()
    start_logging(chosen.log_level)
    scheme = "https" if chosen.strict else "http"
    host = f"[{chosen.host}]" if ":" in chosen.host else chosen.host
    with open_desk(chosen) as desk:
        address = f"{scheme}://{host}:{chosen.port}"
        serve_authority(desk, chosen, lambda: typer.echo(f"Serving the authority on {address}", err=True))


@authority_app.command("settings")
def settings_command() -> None:
    """List the settings of the authority's server, with what they are now."""
    from countenance.app.authority import PREFIX, AuthoritySettings

    chosen = _settings()
    for name, each in AuthoritySettings.model_fields.items():
        value = getattr(chosen, name)
        shown = ",".join(value) if isinstance(value, tuple) else "" if value is None else value
        typer.echo(f"{PREFIX}{name.upper()}={shown}\n    {each.description}")


@authority_app.command("code")
def code_command(
    party: Annotated[
        str | None, typer.Option("--party", help="A party that has another key now; a new one otherwise.")
    ] = None,
) -> None:
    """Make a pairing code and print it, once; hand it to the operator in a way that nobody else reads."""
    with _desk() as desk:
        made = desk.code(CONSOLE, party)
    typer.echo(made.code)
    typer.echo(f"It can be used once, until {made.expires_at:%Y-%m-%d %H:%M} UTC.", err=True)


@clerk_app.command("add")
def add_clerk_command(
    name: Annotated[str, typer.Argument(help="The name that stands under what the clerk does.")],
    password_file: Annotated[
        Path | None, typer.Option("--password-file", help="File with the password; none: one is made and printed.")
    ] = None,
) -> None:
    """Let a clerk sign in; one that is there gets a new password. A printed one has to be changed at first."""
    from countenance.cli.house import read_file

    password = None if password_file is None else read_file(password_file).decode("utf-8", "replace").strip()
    with _desk() as desk:
        made = desk.add_clerk(name, password)
    if made is not None:
        typer.echo(made)


@clerk_app.command("remove")
def remove_clerk_command(
    name: Annotated[str, typer.Argument(help="The name as in `countenance authority clerk list`.")],
) -> None:
    """Let a clerk sign in no more, and end their sessions; what the clerk did stays under that name."""
    with _desk() as desk:
        desk.remove_clerk(name)


@clerk_app.command("list")
def list_clerks_command() -> None:
    """List the clerks."""
    with _desk() as desk:
        for each in desk.clerks():
            typer.echo(f"{each.name}{'  (has to choose a password)' if each.must_choose else ''}")


@authority_app.command("parties")
def parties_command(as_json: Json = False) -> None:
    """List the operators that are paired, with what they stated last."""
    with _desk() as desk:
        found = desk.parties()
    said: list[dict[str, Any]] = [
        {
            "party": each.party_id,
            "name": each.name,
            "group": each.group,
            "vkey": each.vkey,
            "paired_at": each.paired_at.isoformat(),
            "stated_for": None if each.stated is None else each.stated.day.isoformat(),
            "lower": None if each.stated is None else each.stated.counted.lower,
            "upper": None if each.stated is None else each.stated.counted.upper,
        }
        for each in found
    ]
    if as_json:
        typer.echo(json.dumps(said, ensure_ascii=False, indent=2))
        return
    for each in said:
        figures = "no statement" if each["upper"] is None else f"{each['lower']} to {each['upper']} persons"
        typer.echo(f"{each['party']}  {each['name']}  {figures}")


@authority_app.command("cases")
def cases_command(
    state: Annotated[
        str | None, typer.Option("--state", help="Only those received, asked, accepted or returned.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the filings, the newest first."""
    from countenance.authority.seen import CaseState

    try:
        wanted = None if state is None else CaseState(state)
    except ValueError:
        raise MalformedError(
            "A state is received, asked, accepted or returned.", "状态应为 received、asked、accepted 或 returned。"
        ) from None
    with _desk() as desk:
        found = desk.cases(wanted)
    if as_json:
        typer.echo(json.dumps([_as_json(each) for each in found], ensure_ascii=False, indent=2))
        return
    for each in found:
        _show(each)


@authority_app.command("accept")
def accept_command(
    case: CaseId,
    number: Annotated[str | None, typer.Option("--number", help="Its number; the next one otherwise.")] = None,
) -> None:
    """Take a filing into the register and tell the operator its number."""
    with _desk() as desk:
        _show(desk.accept(case, CONSOLE, number))


@authority_app.command("ask")
def ask_command(case: CaseId, text: Words) -> None:
    """Ask the operator something about a filing."""
    with _desk() as desk:
        _show(desk.ask(case, CONSOLE, text))


@authority_app.command("return")
def return_command(case: CaseId, text: Words) -> None:
    """Give a filing back to the operator for correction."""
    with _desk() as desk:
        _show(desk.give_back(case, CONSOLE, text))


@authority_app.command("inspect")
def inspect_command(
    party: Annotated[str, typer.Argument(metavar="PARTY", help="As in `countenance authority parties`.")],
    order: Annotated[str, typer.Option("--order", help="By which order; the operator is told.")],
) -> None:
    """Mirror an operator's log, check all of it and compare its statements; ends with 1 where something is wrong."""
    with _desk() as desk:
        done = desk.inspect(party, CONSOLE, order)
    _tell(done)
    if not all(each.holds for each in done.findings):
        raise typer.Exit(1)


@authority_app.command("export")
def export_command(
    folder: Annotated[Path, typer.Argument(metavar="DIRECTORY", help="A new folder.")],
) -> None:
    """Write the register as open data, JSON and CSV, without personal data."""
    with _desk() as desk:
        as_json, as_csv = desk.open_data(), desk.open_data_csv()
    try:
        folder.mkdir(parents=True)
        (folder / "register.json").write_text(json.dumps(as_json, ensure_ascii=False, indent=2) + "\n", "utf-8")
        (folder / "register.csv").write_text(as_csv, "utf-8", newline="")
    except FileExistsError:
        raise ConflictError(
            "The folder is there already. Name a new one.", "该文件夹已存在。请指定新文件夹。"
        ) from None
    except OSError:
        raise UnavailableError(
            "The register cannot be written there. Name another folder.", "无法写入该位置。请指定其他文件夹。"
        ) from None
    typer.echo(f"{len(as_json['filings'])} filings in {folder}.")


def _settings() -> "AuthoritySettings":
    from countenance.app.authority import read_authority_settings

    return read_authority_settings(os.environ)


@contextmanager
def _desk() -> Iterator["Desk"]:
    from countenance.app.authority import open_desk

    with open_desk(_settings()) as desk:
        yield desk


def _show(case: "Case") -> None:
    number = f"  {case.number}" if case.number else ""
    left = "" if case.working_days_left is None else f"  {case.working_days_left} working days left"
    persons = f"{case.counted.lower} to {case.counted.upper} persons"
    typer.echo(f"{case.case_id}  {case.state}  {case.party_name}  {case.pack} {case.act}  {persons}{number}{left}")


def _as_json(case: "Case") -> dict[str, Any]:
    return {
        "case": case.case_id,
        "party": case.party_id,
        "name": case.party_name,
        "pack": case.pack,
        "act": case.act.value,
        "state": case.state.value,
        "number": case.number,
        "filed_at": case.filed_at.isoformat(),
        "deadline": None if case.deadline is None else case.deadline.day.isoformat(),
        "provisional": case.deadline is not None and case.deadline.provisional,
        "working_days_left": case.working_days_left,
        "late": case.late,
        "lower": case.counted.lower,
        "upper": case.counted.upper,
        "highest": case.counted.highest,
        "cumulative": case.counted.cumulative,
        "message": case.message_id,
    }


def _tell(done: "Inspection") -> None:
    typer.echo(f"{done.party_name}: {done.origin or 'no log'}, {done.size or 0} entries")
    for each in done.findings:
        typer.echo(f"  {'ok   ' if each.holds else 'WRONG'} {each.code}: {each.text.en} {each.text.zh}")
