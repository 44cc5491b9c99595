"""The key holder, a process of its own user: makes its key, and answers which encrypted scores pass."""

import typer

from countenance.cli.house import settings, start_logging

keyholder_app = typer.Typer(help="The process that alone reads the scores of encrypted matching.", no_args_is_help=True)


@keyholder_app.command("make")
def make_command() -> None:
    """Make the key holder's key; without it, references of encrypted purposes are lost, so back it up apart."""
    from countenance.app.holding import key_holder_keys
    from countenance.vault.keyholder import make_key

    chosen = settings()
    make_key(key_holder_keys(chosen))
    typer.echo(f"Made in {chosen.keyholder_dir}. Back it up, apart from the database and the operators' keys.")


@keyholder_app.command("serve")
def serve_command() -> None:
    """Answer at the socket until stopped; servers that match under encryption ask here."""
    from countenance.app.holding import serve_key_holder

    chosen = settings()
    start_logging(chosen.log_level)
    serve_key_holder(chosen, lambda: typer.echo(f"Holding the key at {chosen.keyholder_socket}", err=True))
