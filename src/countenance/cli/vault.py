"""The operators' keys, on the server's own machine: what lies under which generation, a new one, the end of the old."""

from typing import Annotated

import typer

from countenance.cli.bars import bar
from countenance.cli.house import Operator, choose_operator, settings

vault_app = typer.Typer(help="The operators' keys.", no_args_is_help=True)


@vault_app.command("status")
def status_command(operator: Operator = None) -> None:
    """Show the generations of the operator's key and how many values lie under each."""
    from countenance.app import keys, open_database
    from countenance.store import wrapped

    chosen = settings()
    with open_database(chosen) as database:
        operator_id = choose_operator(database, operator)
        there = keys(chosen).generations(operator_id)
        with database.reading() as tx:
            counted = wrapped.by_generation(tx, operator_id)
    for generation in sorted({*there, *counted}):
        kept = "kept" if generation in there else "MISSING: put it back from its backup"
        typer.echo(f"generation {generation}: {counted.get(generation, 0)} values; the key is {kept}")


@vault_app.command("rotate")
def rotate_command(operator: Operator = None) -> None:
    """Make a new key and wrap everything by it, while the server goes on; cut off, it goes on where it was."""
    from countenance.app import keys, now, open_database
    from countenance.operations.rotate import rotate

    chosen = settings()
    with open_database(chosen) as database, bar("Values") as progress:
        done = rotate(database, keys(chosen), choose_operator(database, operator), now, progress)
    typer.echo(f"Everything lies under generation {done.generation} now; {done.values} values were wrapped anew.")
    typer.echo("Keep the old key for as long as you keep backups from before. Then: countenance vault retire")


@vault_app.command("retire")
def retire_command(
    operator: Operator = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Destroy the old keys. A backup of the database from before the rotation can then never be opened."""
    from countenance.app import keys, now, open_database
    from countenance.operations.rotate import retire

    chosen = settings()
    with open_database(chosen) as database:
        operator_id = choose_operator(database, operator)
        if not yes:
            typer.confirm(
                "Backups from before the rotation can then never be opened. Destroy the old keys?", abort=True
            )
        done = retire(database, keys(chosen), operator_id, now())
    gone = ", ".join(map(str, done.generations))
    typer.echo(f"Destroyed: generation {gone}." if gone else "There is no old key.")


@vault_app.command("wrapping-key")
def wrapping_key_command() -> None:
    """Make the key in the hardware module that wraps the operators' keys; it can never be taken out."""
    from countenance.app import hardware_keys

    chosen = settings()
    hardware_keys(chosen).make_wrapping_key()
    typer.echo(f"Made in the token {chosen.hardware_token}: {chosen.hardware_key}. Back it up as its maker says.")
