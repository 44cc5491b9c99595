"""What is done with a subject: enrol, verify, identify, withdraw, erase, and what is on record."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from countenance.cli.answers import asking, client, picture, readiness, say
from countenance.vocabulary import StartedBy

Photo = Annotated[Path, typer.Argument(metavar="PHOTO", help="A picture file; it is sent to the server and not kept.")]
Subject = Annotated[str, typer.Option("--subject", "-s", help="The operator's own word for the person.")]
Named = Annotated[str, typer.Argument(metavar="SUBJECT", help="The operator's own word for the person.")]
Purpose = Annotated[str, typer.Option("--purpose", "-p", help="A purpose that is on file.")]
Device = Annotated[str | None, typer.Option("--device", help="For an officer: the device it is done at.")]
StartedByOption = Annotated[StartedBy | None, typer.Option("--started-by", help="Who began the session.")]
Prompted = Annotated[
    bool | None, typer.Option("--prompted/--not-prompted", help="Was the purpose said or shown at that moment?")
]
Offered = Annotated[
    bool | None, typer.Option("--offered/--not-offered", help="Was the other way offered in the same step?")
]
Json = Annotated[bool, typer.Option("--json", help="Answer with one JSON object.")]


def _session(started_by: StartedBy | None, prompted: bool | None, offered: bool | None) -> dict[str, Any]:
    said = {"started_by": started_by, "purpose_prompted": prompted, "alternative_offered": offered}
    return {name: value for name, value in said.items() if value is not None}


def enrol_command(  # noqa: PLR0917 — each is one option
    photo: Photo,
    subject: Subject,
    purpose: Purpose,
    device: Device = None,
    started_by: StartedByOption = None,
    prompted: Prompted = None,
    offered: Offered = None,
    once: Annotated[str | None, typer.Option("--once", help="Idempotency key: a repeat changes nothing.")] = None,
    double: Annotated[
        bool, typer.Option("--double-confirmed", help="For an officer: enrolled already, but another person's face.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Keep a sealed reference of a subject who consented."""
    sample, session = picture(photo), _session(started_by, prompted, offered)
    answer = asking(
        lambda: client().enrol(
            sample,
            subject=subject,
            purpose=purpose,
            device=device,
            session=session,
            idempotency_key=once,
            double_confirmed=double,
        ),
        as_json=as_json,
    )
    say(answer, as_json=as_json, line=f"Enrolled: reference {answer['reference']}, {answer['references']} in all.")


def verify_command(  # noqa: PLR0917 — each is one option
    photo: Photo,
    subject: Subject,
    purpose: Purpose,
    device: Device = None,
    started_by: StartedByOption = None,
    prompted: Prompted = None,
    offered: Offered = None,
    as_json: Json = False,
) -> None:
    """Ask whether a photograph shows the subject it is said to show."""
    sample, session = picture(photo), _session(started_by, prompted, offered)
    answer = asking(
        lambda: client().verify(sample, subject=subject, purpose=purpose, device=device, session=session),
        as_json=as_json,
    )
    say(answer, as_json=as_json, line="Match." if answer["outcome"] == "match" else "Unknown: no match.")


def identify_command(  # noqa: PLR0917 — each is one option
    photo: Photo,
    consent: Annotated[str, typer.Option("--consent", help="The consent of the person at the device.")],
    purpose: Purpose,
    device: Device = None,
    started_by: StartedByOption = None,
    prompted: Prompted = None,
    offered: Offered = None,
    as_json: Json = False,
) -> None:
    """Ask which of the subjects enrolled for a purpose a photograph shows."""
    sample, session = picture(photo), _session(started_by, prompted, offered)
    answer = asking(
        lambda: client().identify(sample, consent=consent, purpose=purpose, device=device, session=session),
        as_json=as_json,
    )
    say(answer, as_json=as_json, line=f"Match: {answer['subject']}." if answer["outcome"] == "match" else "Unknown.")


def withdraw_command(subject: Named, purpose: Purpose, as_json: Json = False) -> None:
    """Take a subject's consent back; what was kept for that purpose is destroyed."""
    answer = asking(lambda: client().withdraw(subject=subject, purpose=purpose), as_json=as_json)
    say(answer, as_json=as_json, line=_receipt("Withdrawn", answer))


def erase_command(subject: Named, as_json: Json = False) -> None:
    """Forget a subject for every purpose; prints the receipt."""
    answer = asking(lambda: client().erase(subject=subject), as_json=as_json)
    say(answer, as_json=as_json, line=_receipt("Erased", answer))


def records_command(
    kind: Annotated[str | None, typer.Option("--kind", help="Only this kind, such as verify.")] = None,
    outcome: Annotated[str | None, typer.Option("--outcome", help="Only this outcome, such as refused.")] = None,
    most: Annotated[int, typer.Option("--most", min=1, max=1000)] = 20,
    as_json: Json = False,
) -> None:
    """Show what is on record, the newest first."""
    found = asking(lambda: client().records(kind=kind, outcome=outcome, most=most), as_json=as_json)
    if as_json:
        say(found, as_json=True, line="")
        return
    for each in found["records"]:
        record = each["record"]
        findings = [finding for answer in record.get("law", []) for finding in answer["findings"]]
        about = ", ".join(f"{one['pack']} {one['article']}" for one in findings if one["pack"])
        if record["kind"] == "parity":
            about = f"{record['details']['venue']} {record['details']['purpose']}"
        typer.echo(f"{record['at']}  {record['kind']:10} {record['outcome']:20} {about}".rstrip())


def history_command(subject: Named, most: Annotated[int, typer.Option("--most", min=1, max=1000)] = 20) -> None:
    """Show every use of one subject's data that is on record, as JSON."""
    say(asking(lambda: client().subject_records(subject, most=most), as_json=True), as_json=True, line="")


class Noun(StrEnum):
    """What a site has."""

    OPERATOR = "operator"
    PURPOSES = "purposes"
    VENUES = "venues"
    PLACES = "places"
    DEVICES = "devices"
    ALTERNATIVES = "alternatives"
    NOTICES = "notices"


def show_command(noun: Annotated[Noun, typer.Argument(help="What to show.")]) -> None:
    """Show what the server has on file of a site, as JSON."""
    say(asking(getattr(client(), noun.value), as_json=True), as_json=True, line="")


def report_command(
    alternative: Annotated[str, typer.Argument(help="Its id in the site file.")],
    working: Annotated[bool, typer.Option("--working/--down", help="Can a guest be served this way now?")],
) -> None:
    """Say that another way works or is down; where it is down, the face path closes by itself."""
    told = asking(lambda: client().report_alternative(alternative, working=working), as_json=False)
    typer.echo("On record." if told["changed"] else "As before.")


def ready_command() -> None:
    """Say which parts of the server stand ready; exit 1 where one does not."""
    told = readiness()
    for part, stands in told["parts"].items():
        typer.echo(f"{part:10} {'ready' if stands else 'not ready'}")
    if not told["ready"]:
        raise typer.Exit(1)


def _receipt(word: str, answer: dict[str, Any]) -> str:
    gone = answer["destroyed"]
    originals = f", {_of(gone['originals'], 'original')} too" if gone["originals"] else ""
    return (
        f"{word}: {_of(gone['keys'], 'key')} and {_of(gone['references'], 'reference')} destroyed{originals}. "
        f"Receipt {answer['record']['id']} ({answer['record']['digest']})."
    )


def _of(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
