"""How sessions ended, and how the face and the other way compare."""

from typing import Annotated, Any

import typer

from countenance.cli.answers import asking, client, say
from countenance.cli.subjects import Json, Purpose
from countenance.vocabulary import Way

#: One row of the table on a terminal.
_ROW = "{:20} {:16} {:>6} {:>6} {:>6}  {:>6} {:>6} {:>6}  {:>7} {:>9}  {}"


def choose_command(
    way: Annotated[Way, typer.Argument(help="How the session ended.")],
    purpose: Purpose,
    venue: Annotated[str | None, typer.Option("--venue", help="For an officer; a device stands in its venue.")] = None,
    seconds: Annotated[int | None, typer.Option("--seconds", help="How long it took, if that was measured.")] = None,
    steps: Annotated[int | None, typer.Option("--steps", help="In how many steps, if they were counted.")] = None,
    once: Annotated[str | None, typer.Option("--once", help="Idempotency key: a repeat changes nothing.")] = None,
) -> None:
    """Write down how a session ended; nobody is named."""
    told = asking(
        lambda: client().choose(
            way.value, purpose=purpose, venue=venue, seconds=seconds, steps=steps, idempotency_key=once
        ),
        as_json=False,
    )
    typer.echo(f"Written down for {told['venue']}.")


def parity_command(
    since: Annotated[str | None, typer.Option("--since", help="Such as 2026-10-01T00:00:00+08:00.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Before this instant; now, if left out.")] = None,
    as_json: Json = False,
) -> None:
    """Compare the face with the other way in each venue; without dates, over the last thirty days."""
    told = asking(lambda: client().parity(since=since, until=until), as_json=as_json)
    if as_json:
        say(told, as_json=True, line="")
        return
    typer.echo(
        _ROW.format(
            "venue", "purpose", "face", "sec", "steps", "other", "sec", "steps", "refused", "abandoned", "verdict"
        )
    )
    for each in told["parity"]:
        face, other = each["face"], each["alternative"]
        typer.echo(
            _ROW.format(
                each["venue"],
                each["purpose"],
                *_way(face),
                *_way(other),
                each["refused"],
                each["abandoned"],
                _verdict(each),
            )
        )
    margins = told["margins"]
    typer.echo(
        f"Medians from {told['since']} until {told['until']}. A finding where the other way takes more than "
        f"{margins['percent']} per cent longer or more than {margins['steps']} steps more, each figure measured at "
        f"least {margins['measurements_min']} times."
    )


def _way(way: dict[str, Any]) -> tuple[Any, str, str]:
    return way["choices"], _median(way["seconds"]), _median(way["steps"])


def _median(each: dict[str, Any]) -> str:
    return "-" if each["median"] is None else f"{each['median']:g}"


def _verdict(each: dict[str, Any]) -> str:
    said = str(each["verdict"])
    if each["missing"]:
        said += f" (too few: {', '.join(each['missing'])})"
    if each["finding_since"]:
        said += f" (finding since {each['finding_since']})"
    return said
