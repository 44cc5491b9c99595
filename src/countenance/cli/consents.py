"""What comes before a face is touched: the notice that is served, and what a subject decides about it."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from countenance.cli.answers import EXIT_MALFORMED, asking, client, say
from countenance.cli.house import read_file
from countenance.cli.subjects import Json, Purpose
from countenance.errors import MalformedError
from countenance.vocabulary import AgeClass, ConsentForm, Language, Relation, RelationEvidence, Scope, Variant

consents_app = typer.Typer(help="What subjects said, and where it stands.", no_args_is_help=True)
notice_app = typer.Typer(help="What a subject is told before anything is asked.", no_args_is_help=True)

LanguageOption = Annotated[Language, typer.Option("--language", help="The language it is served in.")]
VariantOption = Annotated[Variant, typer.Option("--variant", help="How it is served.")]


@notice_app.command("lint")
def lint_command(
    file: Annotated[Path, typer.Argument(metavar="FILE.yaml", help="A site file; no server is asked.")],
    as_json: Json = False,
) -> None:
    """Show what keeps the notices of a site file from being published; exit 2 where there is anything."""
    from countenance.sites.declaration import read_site
    from countenance.sites.lint import NAMES, remarks

    found = remarks(read_site(read_file(file)))
    if as_json:
        typer.echo(json.dumps({"remarks": [each.as_json() for each in found]}, ensure_ascii=False, indent=2))
    else:
        for each in found:
            en, zh = NAMES[each.item]
            typer.echo(f"{each.place}\n  {en}: {each.en}.\n  {zh}：{each.zh}。")
        typer.echo(f"{len(found)} to correct." if found else "Nothing to correct.")
    if found:
        raise typer.Exit(EXIT_MALFORMED)


@notice_app.command("serve")
def serve_command(
    purpose: Purpose,
    language: LanguageOption = Language.EN,
    variant: VariantOption = Variant.STANDARD,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print its id alone.")] = False,
    as_json: Json = False,
) -> None:
    """Show the notice in force to whoever stands here; the decision names the id that is printed last."""
    answer = asking(lambda: client().serve_notice(purpose=purpose, language=language, variant=variant), as_json=as_json)
    text = "\n".join(f"{name}: {item}" for name, item in answer["text"].items())
    line = answer["served"] if quiet else f"{text}\nServed, version {answer['version']}: {answer['served']}"
    say(answer, as_json=as_json, line=line)


def consent_command(  # noqa: PLR0917 — each is one option
    purpose: Purpose,
    subject: Annotated[
        str | None, typer.Argument(metavar="[SUBJECT]", help="Left out: a guest without an account.")
    ] = None,
    served: Annotated[str | None, typer.Option("--served", help="What `notice serve` printed.")] = None,
    notice: Annotated[
        int | None, typer.Option("--notice", help="Version in force that was shown here; it is served and answered.")
    ] = None,
    language: LanguageOption = Language.EN,
    variant: VariantOption = Variant.STANDARD,
    paper: Annotated[
        str | None, typer.Option("--paper", help="For an officer: SHA-256 of the signed sheet, of version --notice.")
    ] = None,
    no: Annotated[bool, typer.Option("--no", help="The subject refuses.")] = False,
    form: Annotated[ConsentForm, typer.Option("--form")] = ConsentForm.SEPARATE,
    scope: Annotated[list[Scope] | None, typer.Option("--scope", help="Repeat for each scope agreed to.")] = None,
    age: Annotated[AgeClass | None, typer.Option("--age", help="Declared by the subject.")] = None,
    guardian: Annotated[str | None, typer.Option("--guardian", help="The operator's own word for them.")] = None,
    relation: Annotated[Relation | None, typer.Option("--relation", help="Of the guardian to the child.")] = None,
    seen: Annotated[RelationEvidence | None, typer.Option("--seen", help="What showed the relation.")] = None,
    checked_by: Annotated[str | None, typer.Option("--checked-by", help="Who looked at it.")] = None,
    receipt_to: Annotated[
        Path | None, typer.Option("--receipt-to", help="A file for the receipt of a yes; only you can read it.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the consent's id alone.")] = False,
    as_json: Json = False,
) -> None:
    """Write down what a subject decided about one purpose, after its notice was served."""
    body: dict[str, Any] = {
        "purpose": purpose,
        "subject": subject,
        "decision": "refused" if no else "given",
        "form": None if no else form.value,
        "scopes": [] if no else [each.value for each in scope or []],
        "age_class": age.value if age else None,
        "guardian": _guardian(guardian, relation, seen, checked_by),
    }
    if paper is not None and notice is not None:
        body["paper"] = {"notice_version": notice, "evidence_sha256": paper}
    elif served is not None or notice is None:
        body["served"] = served
    else:
        shown = asking(
            lambda: client().serve_notice(purpose=purpose, language=language, variant=variant, version=notice),
            as_json=as_json,
        )
        body["served"] = shown["served"]
    said = {name: value for name, value in body.items() if value is not None}
    answer = asking(lambda: client().consent(**said), as_json=as_json)
    if receipt_to is not None and answer["receipt"] is not None:
        from countenance.app import private_file

        private_file(receipt_to, answer["receipt"]["token"] + "\n")
    line = answer["consent"] if quiet else f"{body['decision'].capitalize()}: consent {answer['consent']}."
    say(answer, as_json=as_json, line=line)


@consents_app.command("list")
def list_command(
    subject: Annotated[
        str | None, typer.Argument(metavar="[SUBJECT]", help="Left out with a subject's own credential.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what a subject said about each purpose, in order, and where it stands."""
    found = asking(lambda: client().consents(subject=subject), as_json=as_json)
    if as_json:
        say(found, as_json=True, line="")
        return
    for each in found["events"]:
        version = f"notice {each['notice_version']}" if each["notice_version"] else ""
        typer.echo(
            f"{each['at']}  {each['purpose']}  {each['said']:9}  {version:9}  {' '.join(each['scopes'])}".rstrip()
        )
    for each in found["purposes"]:
        current = "" if each["notice_current"] or each["state"] != "given" else ", under a notice no longer in force"
        typer.echo(f"{each['purpose']}: {each['state']}{current} ({each['consent']})")


class Export(StrEnum):
    """The forms in which one decision is exported."""

    DPV = "dpv"
    KANTARA = "kantara"


@consents_app.command("export")
def export_command(
    consent: Annotated[str, typer.Argument(metavar="ID", help="The id of the decision, as its receipt names it.")],
    form: Annotated[Export, typer.Option("--format", help="TS 27560 in JSON-LD, or a Kantara receipt.")] = Export.DPV,
) -> None:
    """Print one decision as a consent record or as a receipt, as JSON."""
    say(asking(lambda: client().export_consent(consent, format=form.value), as_json=True), as_json=True, line="")


def _guardian(
    ref: str | None, relation: Relation | None, seen: RelationEvidence | None, checked_by: str | None
) -> dict[str, str] | None:
    given = (ref, relation, seen, checked_by)
    if not any(given):
        return None
    if ref is None or relation is None or seen is None or checked_by is None:
        raise MalformedError(
            "A guardian takes --guardian, --relation, --seen and --checked-by together.",
            "监护人须同时提供 --guardian、--relation、--seen 和 --checked-by。",
        )
    return {"ref": ref, "relation": relation.value, "evidence": seen.value, "checked_by": checked_by}
