"""What whoever holds a receipt does with it alone: see it, see every use, take the consent back."""

from pathlib import Path
from typing import Annotated, Any

import typer

from countenance.cli.answers import asking, holder, say
from countenance.cli.subjects import Json

receipt_app = typer.Typer(help="With a receipt alone, and no credential.", no_args_is_help=True)

TokenFile = Annotated[Path, typer.Option("--token-file", help="The file that holds the receipt's token.")]


@receipt_app.command("show")
def show_receipt_command(token_file: TokenFile, as_json: Json = False) -> None:
    """Show what a receipt is about, and how that stands now."""
    answer = asking(lambda: holder(token_file).receipt(), as_json=as_json)
    say(answer, as_json=as_json, line="\n".join(_lines(answer)))


@receipt_app.command("uses")
def uses_command(
    token_file: TokenFile,
    before: Annotated[str | None, typer.Option("--before", help="The record the last page named.")] = None,
    most: Annotated[int, typer.Option("--most", min=1, max=100)] = 50,
    as_json: Json = False,
) -> None:
    """Show every use of a consent, refusals too, the newest first."""
    found = asking(lambda: holder(token_file).receipt_uses(before=before, most=most), as_json=as_json)
    lines = [_use(each) for each in found["uses"]]
    if found["next"]:
        lines.append(f"Older ones: --before {found['next']}")
    say(found, as_json=as_json, line="\n".join(lines) or "No use is on record.")


@receipt_app.command("withdraw")
def withdraw_receipt_command(token_file: TokenFile, as_json: Json = False) -> None:
    """Take a consent back, and print the certificate of erasure."""
    answer = asking(lambda: holder(token_file).receipt_withdraw(), as_json=as_json)
    say(answer, as_json=as_json, line="\n".join(_certificate(answer)))


def _lines(answer: dict[str, Any]) -> list[str]:
    lines = [f"Receipt of a {answer['kind']}" + (f": {answer['state']}." if answer["state"] else ".")]
    if about := answer["about"]:
        purpose = about["purpose"]
        lines.append(f"  why    {purpose['title']['en']} · {purpose['title']['zh']}" if purpose else "  why    unknown")
        lines.append(f"  what   {_use(about['use'])}")
        if about["scopes"]:
            lines.append(f"  for    {', '.join(about['scopes'])}")
        days = about["retention_days"]
        lines.append(f"  until  {about['ends_at'] or 'withdrawn'}" + (f"; references {days} days" if days else ""))
        record = about["use"]["record"]
        lines.append(f"  where  record {about['number']}, {record['id']} ({record['digest']})")
    if answer["certificate"]:
        lines += _certificate(answer["certificate"])
    return lines


def _use(use: dict[str, Any]) -> str:
    where = f"{use['device']['device']}, {use['device']['venue']}" if use["device"] else ""
    articles = ", ".join(f"{each['pack']} {each['article']}" for each in use["articles"] if each["pack"])
    return "  ".join(part for part in (use["at"], use["action"], use["outcome"], where, articles) if part)


def _certificate(certificate: dict[str, Any]) -> list[str]:
    gone, record = certificate["destroyed"], certificate["record"]
    figures = f"{gone['keys']} keys, {gone['references']} references and {gone['originals']} originals"
    return [
        f"{certificate['act'].capitalize()} at {certificate['at']}: {figures} destroyed.",
        f"  {certificate['operator']['name']}, {certificate['operator']['contact']}",
        f"  record {record['id']} ({record['digest']})",
        f"  {certificate['says']['en']}",
        f"  {certificate['says']['zh']}",
    ]
