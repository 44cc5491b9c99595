"""What is done on the server's own machine: serve, apply a site file, issue and revoke credentials, expire."""

import json
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from countenance.errors import MalformedError, NotFoundError, UnavailableError
from countenance.vocabulary import Role

if TYPE_CHECKING:
    from countenance.settings import Settings

site_app = typer.Typer(help="What the operator declares.", no_args_is_help=True)
clock_app = typer.Typer(help="The server's clock.", no_args_is_help=True)
credential_app = typer.Typer(help="Who may call in.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Answer with one JSON object.")]
Operator = Annotated[str | None, typer.Option("--operator", help="Needed where the database holds several.")]


def settings() -> "Settings":
    """Return the settings of the environment."""
    from countenance.settings import read_settings

    return read_settings(os.environ)


def start_logging(level: str) -> None:
    """Send the engineers' log to standard error, as lines of JSON with fixed messages."""
    from countenance.cli.logs import JsonLines

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def loading(noun: str, done: int, total: int) -> None:
    """Show how far reading at start has come, on a terminal only."""
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        typer.echo(f"\rReading {noun}: {done} of {total}{end}", err=True, nl=False)


def serve_command() -> None:
    """Serve the REST API; every setting comes from the environment (docs/reference/settings.md)."""
    from countenance.app import open_house, serve

    chosen = settings()
    start_logging(chosen.log_level)
    with open_house(chosen, loading) as opened:
        serve(opened, lambda: typer.echo(f"Serving on {address(chosen)}", err=True))


def address(chosen: "Settings") -> str:
    """Return the address the server answers at."""
    scheme = "https" if chosen.tls_certificate_file else "http"
    host = f"[{chosen.host}]" if ":" in chosen.host else chosen.host
    return f"{scheme}://{host}:{chosen.port}"


@site_app.command("apply")
def apply_command(
    file: Annotated[Path, typer.Argument(metavar="FILE.yaml")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the differences and change nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Bring what is on file to what a site file says; applying it again changes nothing."""
    from countenance.app import keys, now, open_database, packs
    from countenance.operations.declare import declare
    from countenance.sites.declaration import read_site

    site = read_site(read_file(file))
    chosen = settings()
    with open_database(chosen) as database:
        changes = declare(database, keys(chosen), packs(chosen), site, now(), dry_run=dry_run)
    if as_json:
        typer.echo(json.dumps({"applied": not dry_run, "changes": [each.as_json() for each in changes]}, indent=2))
        return
    for change in changes:
        fields = f" ({', '.join(change.fields)})" if change.act == "change" else ""
        typer.echo(f"{change.act:8} {change.noun} {change.key}{fields}")
    verb = "would change" if dry_run else "changed"
    typer.echo(f"{len(changes)} {verb}." if changes else "Nothing to change.")


def read_file(path: Path) -> bytes:
    """Return the bytes of a file the user names; raises MalformedError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"The file cannot be read: {error.strerror}. Check the path."
        raise MalformedError(message, "无法读取文件，请检查路径。") from None


@credential_app.command("issue")
def issue_command(  # noqa: PLR0917 — each is one option
    role: Annotated[Role, typer.Argument()],
    label: Annotated[str, typer.Option("--label", help="What it is for, in your words.")] = "",
    device: Annotated[str | None, typer.Option("--device", help="The device a device credential is for.")] = None,
    subject: Annotated[str | None, typer.Option("--subject", help="The subject a subject credential is for.")] = None,
    staff: Annotated[
        str | None, typer.Option("--staff", help="The member of staff who holds an officer's credential.")
    ] = None,
    operator: Operator = None,
    to: Annotated[
        Path | None, typer.Option("--to", help="Write it to this file, mode 0600, and print nothing.")
    ] = None,
) -> None:
    """Issue a credential; its secret is shown once and kept nowhere."""
    from countenance.app import now, open_database, private_file
    from countenance.operations.credentials import CONSOLE, issue, record_credential
    from countenance.store import subjects

    if to is not None and not (to.parent.is_dir() and os.access(to.parent, os.W_OK)):
        message = "The file for the credential cannot be written. Name one in a folder that exists."
        raise MalformedError(message, "无法写入凭证文件。请指定已存在文件夹中的文件。")
    with open_database(settings()) as database:
        operator_id = choose_operator(database, operator)
        with database.transaction() as tx:
            held = subjects.find(tx, operator_id, subject) if subject else None
            if subject and held is None:
                raise NotFoundError("No such subject is on file.", "该个人未登记。")
            at, subject_id = now(), held.subject_id if held else None
            issued = issue(
                tx,
                operator_id,
                role,
                label=label or role.value,
                at=at,
                device_id=device,
                subject_id=subject_id,
                staff_id=staff,
            )
            done = "issued", issued.credential_id, role.value, at
            record_credential(tx, operator_id, CONSOLE, *done, staff_id=staff)
    if to is not None:
        private_file(to, issued.token + "\n")
        return
    typer.echo(issued.token)


@credential_app.command("list")
def list_command(operator: Operator = None) -> None:
    """List credentials, without their secrets."""
    from countenance.app import open_database
    from countenance.store import credentials

    with open_database(settings()) as database:
        operator_id = choose_operator(database, operator)
        with database.transaction() as tx:
            for row in credentials.listed(tx, operator_id):
                state = "revoked" if row["revoked_at"] else "valid"
                held = f"  held by {row['staff_id']}" if row["staff_id"] else ""
                typer.echo(f"{row['credential_id']}  {row['role']:10} {state:8} {row['label']}{held}")


@credential_app.command("revoke")
def revoke_command(
    credential: Annotated[str, typer.Argument(metavar="ID", help="The public id that `list` shows.")],
    operator: Operator = None,
) -> None:
    """Revoke a credential; it is refused from the next request on."""
    from countenance.app import now, open_database
    from countenance.operations.credentials import CONSOLE, revoke

    with open_database(settings()) as database:
        operator_id = choose_operator(database, operator)
        with database.transaction() as tx:
            revoke(tx, operator_id, CONSOLE, credential, now())
    typer.echo("Revoked.")


@clock_app.command("accept")
def accept_command(operator: Operator = None) -> None:
    """Accept the present time after a clock that stood wrong was put right; that is recorded.

    Processing stops while the clock stands behind the last record, because setting it back could make consents and
    periods live again. Look at the clock first.
    """
    from countenance.app import now, open_database
    from countenance.record import Entry, append

    with open_database(settings()) as database:
        operator_id = choose_operator(database, operator)
        with database.transaction() as tx:
            entry = Entry(operator_id=operator_id, at=now(), kind="clock", outcome="accepted", by="console")
            append(tx, entry)
    typer.echo("Accepted; processing goes on.")


def expire_command(operator: Operator = None) -> None:
    """Destroy what has outlived its retention now; a running server does this by itself every hour."""
    from countenance.app import open_house
    from countenance.operations.expire import expire

    with open_house(settings(), loading) as opened:
        gone = expire(opened.house, choose_operator(opened.house.database, operator))
    typer.echo(f"{sum(each.references for each in gone)} references of {len(gone)} purposes of subjects destroyed.")


def choose_operator(database: object, named: str | None) -> str:
    """Return the operator named, or the only one there is; raises NotFoundError where it must be named."""
    from countenance.store import sites
    from countenance.store.database import Database

    assert isinstance(database, Database)  # noqa: S101 — for the type checker, without importing it at start
    with database.transaction() as tx:
        known = sites.operators(tx)
    if named is None and len(known) == 1:
        return known[0]
    if named in known and named is not None:
        return named
    if not known:
        raise UnavailableError(
            "No operator is on file. Apply a site file first: countenance site apply FILE.yaml",
            "尚未登记运营者。请先应用站点文件：countenance site apply FILE.yaml",
        )
    raise NotFoundError(
        "Name the operator with --operator; its id stands in the site file.",
        "请用 --operator 指定运营者，其标识见站点文件。",
    )
