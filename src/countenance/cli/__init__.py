"""The command line, one file per command group.

Exit codes: 0 permitted or done, 3 refused, 2 malformed input, 4 a pack is unknown or does not load, 1 anything else.
"""

import sys
from typing import Annotated

import typer

from countenance import __version__
from countenance.cli.answers import EXIT_REFUSED
from countenance.cli.authority import authority_app
from countenance.cli.backup import backup_command, restore_command
from countenance.cli.consents import consent_command, consents_app, notice_app
from countenance.cli.demo import demo_command
from countenance.cli.evaluate import evaluate_command
from countenance.cli.filing import filing_app
from countenance.cli.governed import (
    activate_command,
    analyse_command,
    authorisation_app,
    capture_command,
    deactivate_command,
    disclose_command,
    finalise_command,
    keep_command,
    originals_command,
    readiness_command,
    register_command,
    remote_command,
    reuse_command,
    unregister_command,
)
from countenance.cli.house import clock_app, credential_app, expire_command, serve_command, site_app
from countenance.cli.keyholder import keyholder_app
from countenance.cli.law import law_app
from countenance.cli.log import log_app
from countenance.cli.parity import choose_command, parity_command
from countenance.cli.receipts import receipt_app
from countenance.cli.replay import replay_command
from countenance.cli.requests import data_command, link_command, requests_app
from countenance.cli.staff import staff_app
from countenance.cli.subjects import (
    enrol_command,
    erase_command,
    history_command,
    identify_command,
    ready_command,
    records_command,
    report_command,
    show_command,
    verify_command,
    withdraw_command,
)
from countenance.cli.vault import vault_app
from countenance.cli.witness import witness_app
from countenance.errors import CountenanceError, LimitError, MalformedError
from countenance.vault.memory import hold_core_dumps

app = typer.Typer(
    name="countenance",
    help="Face recognition that asks the law first.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
law_app.command("replay")(replay_command)
app.add_typer(law_app, name="law")
app.add_typer(site_app, name="site")
app.add_typer(notice_app, name="notice")
app.add_typer(consents_app, name="consents")
app.add_typer(credential_app, name="credential")
app.add_typer(staff_app, name="staff")
app.add_typer(authorisation_app, name="authorisation")
app.add_typer(requests_app, name="requests")
app.add_typer(clock_app, name="clock")
app.add_typer(receipt_app, name="receipt")
app.add_typer(vault_app, name="vault")
app.add_typer(keyholder_app, name="keyholder")
app.add_typer(log_app, name="log")
app.add_typer(witness_app, name="witness")
app.add_typer(filing_app, name="filing")
app.add_typer(authority_app, name="authority")
app.command("serve")(serve_command)
app.command("demo")(demo_command)
app.command("consent")(consent_command)
app.command("enrol")(enrol_command)
app.command("verify")(verify_command)
app.command("identify")(identify_command)
app.command("remote")(remote_command)
app.command("analyse")(analyse_command)
app.command("keep")(keep_command)
app.command("originals")(originals_command)
app.command("activate")(activate_command)
app.command("register")(register_command)
app.command("deactivate")(deactivate_command)
app.command("unregister")(unregister_command)
app.command("readiness")(readiness_command)
app.command("capture")(capture_command)
app.command("reuse")(reuse_command)
app.command("disclose")(disclose_command)
app.command("finalise")(finalise_command)
app.command("withdraw")(withdraw_command)
app.command("erase")(erase_command)
app.command("records")(records_command)
app.command("history")(history_command)
app.command("data")(data_command)
app.command("link")(link_command)
app.command("ready")(ready_command)
site_app.command("show")(show_command)
site_app.command("report")(report_command)
site_app.command("choose")(choose_command)
app.command("parity")(parity_command)
app.command("expire")(expire_command)
app.command("backup")(backup_command)
app.command("restore")(restore_command)
app.command("evaluate")(evaluate_command)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"countenance {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Face recognition that asks the law first."""


def main() -> None:
    """Run the command line; an error is one line in two languages on standard error, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    hold_core_dumps()
    try:
        app()
    except CountenanceError as error:
        typer.echo(f"countenance: {error.en} · {error.zh}", err=True)
        raise SystemExit(2 if isinstance(error, MalformedError | LimitError) else 1) from None
    except BrokenPipeError:
        raise SystemExit(0) from None
    except UnicodeError:
        typer.echo("countenance: A word of the command is not Unicode text. · 命令中含有非 Unicode 文本。", err=True)
        raise SystemExit(2) from None
    except OSError as error:
        kind = error.strerror or type(error).__name__
        typer.echo(f"countenance: The system refuses: {kind}. · 系统拒绝操作：{kind}。", err=True)
        raise SystemExit(1) from None


__all__ = ["EXIT_REFUSED", "app", "main"]
