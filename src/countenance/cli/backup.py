"""Back up and restore, on the server's own machine."""

from pathlib import Path
from typing import Annotated

import typer

from countenance.cli.bars import bar
from countenance.cli.house import settings


def backup_command(file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file.")]) -> None:
    """Write everything in the database to a file, while the server goes on; no key is in it."""
    from countenance.app import now, open_database
    from countenance.operations.backup import backup

    chosen = settings()
    with open_database(chosen) as database, bar("Tables") as progress:
        rows = backup(database, file, now(), progress, backup_days=chosen.backup_days)
    typer.echo(
        f"{rows} rows in {file}. Keep the operators' keys apart, and delete it within {chosen.backup_days} days."
    )


def restore_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Replace the database by a backup; who withdrew since stays withdrawn. Stop every server first."""
    from countenance.app import journal, logs, now, open_database
    from countenance.operations.backup import restore

    chosen = settings()
    with open_database(chosen) as database:
        if not yes:
            typer.confirm("Everything in the database is replaced by the backup. Go on?", abort=True)
        with bar("Tables") as progress:
            done = restore(
                database,
                file,
                journal(chosen),
                logs(chosen),
                now(),
                progress=progress,
                backup_days=chosen.backup_days,
            )
    typer.echo(f"As of {done.at.isoformat()}. Made again: {done.erasures} erasures and revocations of after it.")
    typer.echo("What else was decided since (site file, authorisations, new credentials) has to be done again.")
