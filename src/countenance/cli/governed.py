"""What an officer governs: purposes, devices, authorisations, reviews; and what the law is asked about beside faces."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from countenance.cli.answers import EXIT_REFUSED, asking, client, picture, say, tell_findings
from countenance.cli.subjects import Device, Json, Named, Photo, Purpose
from countenance.vocabulary import Ground, StorageDestination

authorisation_app = typer.Typer(help="Exceptions that several people answer for.", no_args_is_help=True)

Authorisation = Annotated[str, typer.Argument(metavar="ID", help="The id that `ask` printed.")]


class Decision(StrEnum):
    """What a reviewer decides."""

    UPHELD = "upheld"
    OVERTURNED = "overturned"


def activate_command(
    purpose: Annotated[str, typer.Argument(metavar="PURPOSE", help="A purpose that is on file.")], as_json: Json = False
) -> None:
    """Activate a purpose, if the law permits it; until then no face is processed for it."""
    _tell(asking(lambda: client().activate(purpose), as_json=as_json), as_json=as_json)


def register_command(
    device: Annotated[str, typer.Argument(metavar="DEVICE", help="A device that is on file.")],
    purpose: Purpose,
    as_json: Json = False,
) -> None:
    """Register a device where it stands now, if the law permits it; after a move it is registered anew."""
    _tell(asking(lambda: client().register(device, purpose=purpose), as_json=as_json), as_json=as_json)


def deactivate_command(
    purpose: Annotated[str, typer.Argument(metavar="PURPOSE", help="A purpose that is on file.")], as_json: Json = False
) -> None:
    """Deactivate a purpose: no face is processed for it from the next decision on. Never refused."""
    _ended(asking(lambda: client().deactivate(purpose), as_json=as_json), as_json=as_json)


def unregister_command(
    device: Annotated[str, typer.Argument(metavar="DEVICE", help="A device that is on file.")], as_json: Json = False
) -> None:
    """Unregister a device: nothing is done at it from the next decision on. Never refused."""
    _ended(asking(lambda: client().unregister(device), as_json=as_json), as_json=as_json)


def readiness_command(
    purpose: Annotated[str, typer.Argument(metavar="PURPOSE", help="A purpose that is on file.")],
    device: Annotated[
        str | None, typer.Option("--device", help="Ask about registering this device for the purpose instead.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what is missing before a purpose can be activated; exit 3 where something is. Nothing is done or recorded."""

    def ask() -> dict[str, Any]:
        return client().readiness(purpose) if device is None else client().device_readiness(device, purpose=purpose)

    answer = asking(ask, as_json=as_json)
    say(answer, as_json=as_json, line="Ready." if answer["ready"] else "Not ready.")
    if not as_json:
        tell_findings(answer["findings"])
    if not answer["ready"]:
        raise typer.Exit(EXIT_REFUSED)


def capture_command(purpose: Purpose, device: Device = None, as_json: Json = False) -> None:
    """Ask whether a device may capture now."""
    _tell(asking(lambda: client().capture(purpose=purpose, device=device), as_json=as_json), as_json=as_json)


def reuse_command(
    subject: Named,
    origin: Annotated[str, typer.Option("--origin", help="The purpose the data were collected for.")],
    purpose: Purpose,
    as_json: Json = False,
) -> None:
    """Ask whether a subject's data may be used for another purpose."""
    answer = asking(lambda: client().reuse(subject=subject, origin=origin, purpose=purpose), as_json=as_json)
    _tell(answer, as_json=as_json)


def disclose_command(
    subject: Named,
    purpose: Purpose,
    destination: Annotated[StorageDestination, typer.Option("--to", help="Where it would go.")],
    as_json: Json = False,
) -> None:
    """Ask whether a subject's data may be disclosed."""
    answer = asking(
        lambda: client().disclose(subject=subject, purpose=purpose, destination=destination.value), as_json=as_json
    )
    _tell(answer, as_json=as_json)


def finalise_command(
    record: Annotated[str, typer.Argument(metavar="RECORD", help="The record of the match or non-match.")],
    decision: Annotated[Decision, typer.Option("--decision")],
    human: Annotated[
        bool | None, typer.Option("--reviewed/--not-reviewed", help="Did a person look at the result?")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a decision final, once, as a reviewer who did not run the device."""
    answer = asking(lambda: client().finalise(record, decision=decision.value, human=human), as_json=as_json)
    _tell(answer, as_json=as_json)


def remote_command(photo: Photo, purpose: Purpose, device: Device = None, as_json: Json = False) -> None:
    """Ask whether a photograph shows one of the persons that a live authorisation names."""
    sample = picture(photo)
    answer = asking(lambda: client().identify_remote(sample, purpose=purpose, device=device), as_json=as_json)
    say(answer, as_json=as_json, line=f"Match: {answer['subject']}." if answer["outcome"] == "match" else "Unknown.")


def analyse_command(
    photo: Photo,
    attribute: Annotated[str, typer.Argument(metavar="ATTRIBUTE", help="pose, quality or attack.")],
    purpose: Purpose,
    subject: Annotated[str | None, typer.Option("--subject", "-s", help="Whose face it is said to be.")] = None,
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Ask for one word about the face in a photograph; none about the person."""
    sample = picture(photo)
    answer = asking(
        lambda: client().analyse(sample, attribute=attribute, purpose=purpose, subject=subject, device=device),
        as_json=as_json,
    )
    say(answer, as_json=as_json, line=f"{answer['attribute'].capitalize()}: {answer['says'].replace('_', ' ')}.")


def keep_command(
    photo: Photo,
    subject: Annotated[str, typer.Option("--subject", "-s", help="The operator's own word for the person.")],
    purpose: Purpose,
    until: Annotated[str, typer.Option("--until", help="When it ends, such as 2026-12-01T00:00:00+08:00.")],
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Keep a photograph itself, sealed, until an end; no command gives it back."""
    sample = picture(photo)
    answer = asking(
        lambda: client().keep_original(sample, subject=subject, purpose=purpose, expires_at=until, device=device),
        as_json=as_json,
    )
    say(answer, as_json=as_json, line=f"Kept: original {answer['original']} until {answer['expires_at']}.")


def originals_command(as_json: Json = False) -> None:
    """List the originals that are kept: which and until when, without their content."""
    found = asking(lambda: client().originals(), as_json=as_json)
    if as_json:
        say(found, as_json=True, line="")
        return
    for each in found["originals"]:
        typer.echo(f"{each['original']}  {each['purpose']:20} until {each['expires_at']}")


@authorisation_app.command("ask")
def ask_command(  # noqa: PLR0917 — each is one option
    purpose: Purpose,
    ground: Annotated[Ground, typer.Option("--ground")],
    requester: Annotated[str, typer.Option("--requester", help="Who wants it.")],
    issuer: Annotated[str, typer.Option("--issuer", help="The authority that ordered it.")],
    reference: Annotated[str, typer.Option("--reference", help="The number of the order or case.")],
    device: Annotated[list[str], typer.Option("--device", help="Repeat for each device.")],
    until: Annotated[str, typer.Option("--until", help="When it ends: within 24 hours in an emergency.")],
    subject: Annotated[list[str] | None, typer.Option("--subject", "-s", help="Repeat for each person.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="When it starts; now, if left out.")] = None,
    concerned: Annotated[
        bool, typer.Option("--concerned/--not-concerned", help="Is the requester the person or an interested party?")
    ] = False,
    as_json: Json = False,
) -> None:
    """Ask for an authorisation; it permits nothing before two other people have approved it."""
    said: dict[str, Any] = {
        "purpose": purpose,
        "ground": ground.value,
        "requester": requester,
        "requested_by_subject": concerned,
        "issuer": issuer,
        "reference": reference,
        "devices": device,
        "subjects": subject or [],
        "starts_at": since,
        "ends_at": until,
    }
    answer = asking(lambda: client().authorise(**said), as_json=as_json)
    say(answer, as_json=as_json, line=answer["authorisation"])


@authorisation_app.command("approve")
def approve_command(authorisation: Authorisation, as_json: Json = False) -> None:
    """Approve an authorisation: once by each member of staff, never by the one who asked for it."""
    answer = asking(lambda: client().approve(authorisation), as_json=as_json)
    say(answer, as_json=as_json, line=f"Approved by {answer['approvers']}.")


@authorisation_app.command("revoke")
def revoke_command(authorisation: Authorisation, as_json: Json = False) -> None:
    """Revoke an authorisation; whom it was about is forgotten."""
    say(asking(lambda: client().revoke_authorisation(authorisation), as_json=as_json), as_json=as_json, line="Revoked.")


@authorisation_app.command("show")
def show_authorisation_command(authorisation: Authorisation) -> None:
    """Show an authorisation with its approvals and every use of it, as JSON."""
    say(asking(lambda: client().authorisation(authorisation), as_json=True), as_json=True, line="")


@authorisation_app.command("list")
def list_authorisations_command(as_json: Json = False) -> None:
    """List the authorisations, newest first."""
    found = asking(lambda: client().authorisations(), as_json=as_json)
    if as_json:
        say(found, as_json=True, line="")
        return
    for each in found["authorisations"]:
        typer.echo(f"{each['authorisation']}  {each['state']:8} {each['ground']:18} until {each['ends_at']}")


def _ended(answer: dict[str, Any], *, as_json: bool) -> None:
    line = f"{answer['outcome'].capitalize()}. On record as {answer['record']['id']}."
    say(answer, as_json=as_json, line=line)


def _tell(answer: dict[str, Any], *, as_json: bool) -> None:
    owed = ", ".join(sorted({duty["duty"] for duty in answer["duties"]}))
    duties = f" Duty: {owed}." if owed else ""
    say(
        answer,
        as_json=as_json,
        line=f"{answer['outcome'].capitalize()}.{duties} On record as {answer['record']['id']}.",
    )
