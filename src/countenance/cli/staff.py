"""The list of staff, kept on the server's own machine: who can hold an officer's credential."""

from typing import Annotated

import typer

from countenance.cli.house import Operator, choose_operator, settings

staff_app = typer.Typer(help="The people who can hold an officer's credential.", no_args_is_help=True)

Code = Annotated[str, typer.Argument(metavar="ID", help="The code that means this person for ever; it is on record.")]


@staff_app.command("add")
def add_command(
    code: Code,
    name: Annotated[str, typer.Option("--name", help="The person's name; it stands on the list and nowhere else.")],
    operator: Operator = None,
) -> None:
    """Put a person on the list of staff; then issue: countenance credential issue officer --staff ID."""
    from countenance.app import now, open_database
    from countenance.operations.staff import add_staff

    with open_database(settings()) as database:
        operator_id = choose_operator(database, operator)
        with database.transaction() as tx:
            add_staff(tx, operator_id, "console", code, name, now())
    typer.echo("Added.")


@staff_app.command("invite")
def invite_command(code: Code, operator: Operator = None) -> None:
    """Print a link by which a member of staff chooses a password for the console; it works once, for a day."""
    from countenance.app import keys, now, open_database
    from countenance.operations.sign_in import address, invite
    from countenance.vault.vaults import Vaults

    chosen = settings()
    with open_database(chosen) as database:
        operator_id = choose_operator(database, operator)
        vault = Vaults(keys(chosen)).of(operator_id)
        with database.transaction() as tx:
            made = invite(tx, vault, operator_id, "console", code, now())
    typer.echo(address(chosen.public_url, made.token))


@staff_app.command("list")
def list_command(operator: Operator = None) -> None:
    """List the members of staff, retired ones too."""
    from countenance.app import open_database
    from countenance.store import staff

    with open_database(settings()) as database:
        operator_id = choose_operator(database, operator)
        with database.transaction() as tx:
            for row in staff.listed(tx, operator_id):
                typer.echo(f"{row.staff_id:20} {'active' if row.active else 'retired':8} {row.name}")


@staff_app.command("retire")
def retire_command(code: Code, operator: Operator = None) -> None:
    """Retire a member of staff; every credential they hold is refused from the next request on."""
    from countenance.app import now, open_database
    from countenance.operations.staff import retire_staff

    with open_database(settings()) as database:
        operator_id = choose_operator(database, operator)
        with database.transaction() as tx:
            done = retire_staff(tx, operator_id, "console", code, now())
    typer.echo(f"Retired; credentials revoked: {done.credentials}.")
