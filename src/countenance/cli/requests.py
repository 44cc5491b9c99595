"""What subjects ask for: the officer's list with its clock, answers, copies of what is held, one-time links."""

from typing import Annotated, Any

import typer

from countenance.cli.answers import asking, client, say
from countenance.cli.subjects import Json, Named
from countenance.vocabulary import AgeClass, RequestKind, RequestOutcome, RequestState

requests_app = typer.Typer(help="What subjects ask for, and by when it is answered.", invoke_without_command=True)

RequestId = Annotated[str, typer.Argument(metavar="ID", help="The id that the list shows.")]
Words = Annotated[str | None, typer.Option("--text", help="In words.")]


@requests_app.callback()
def requests_command(
    context: typer.Context,
    state: Annotated[RequestState | None, typer.Option("--state", help="Only those that stand so.")] = None,
    most: Annotated[int, typer.Option("--most", min=1, max=1000)] = 100,
    as_json: Json = False,
) -> None:
    """List what subjects ask for: those that wait first, by the day they are due."""
    if context.invoked_subcommand is not None:
        return
    found = asking(lambda: client().requests(state=state.value if state else None, most=most), as_json=as_json)
    if as_json:
        say(found, as_json=True, line="")
        return
    for each in found["requests"]:
        typer.echo(f"{each['request']}  {each['kind']:12} {_clock(each):28} {each['subject'] or ''}".rstrip())


@requests_app.command("open")
def open_command(
    kind: Annotated[RequestKind, typer.Argument()],
    subject: Annotated[str | None, typer.Option("--subject", "-s", help="For an officer: whom it is for.")] = None,
    text: Words = None,
    purpose: Annotated[str | None, typer.Option("--purpose", "-p", help="The purpose it is about.")] = None,
    about: Annotated[
        str | None, typer.Option("--about", metavar="RECORD", help="The refusal or use contested.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Ask for something, or write down what a person asks for."""
    answer = asking(
        lambda: client().open_request(kind=kind.value, text=text, purpose=purpose, about_record=about, subject=subject),
        as_json=as_json,
    )
    request = answer["request"]
    line = f"Opened: request {request['request']}, to be answered by {request['due_on']}."
    say(answer, as_json=as_json, line=line)


@requests_app.command("show")
def show_request_command(request: RequestId) -> None:
    """Show one request with its words, as JSON."""
    say(asking(lambda: client().request(request), as_json=True), as_json=True, line="")


@requests_app.command("answer")
def answer_command(
    request: RequestId,
    outcome: Annotated[RequestOutcome, typer.Option("--outcome")],
    text: Words = None,
    age: Annotated[AgeClass | None, typer.Option("--age", help="The age class that is right.")] = None,
    as_json: Json = False,
) -> None:
    """Answer a request, once; a correction of the age and an erasure that are granted are done at once."""
    answer = asking(
        lambda: client().answer_request(
            request, outcome=outcome.value, text=text, age_class=age.value if age else None
        ),
        as_json=as_json,
    )
    erased = " The person is erased." if answer["destroyed"] is not None else ""
    line = f"Answered: {answer['request']['outcome']}.{erased} On record as {answer['record']['id']}."
    say(answer, as_json=as_json, line=line)


def data_command(subject: Named) -> None:
    """Show a copy of all that is held about a person, as JSON, to hand it over; that is on record."""
    say(asking(lambda: client().subject_data(subject), as_json=True), as_json=True, line="")


def link_command(subject: Named, as_json: Json = False) -> None:
    """Make a one-time link to a person's own page; it is shown once, and works once."""
    answer = asking(lambda: client().issue_link(subject=subject), as_json=as_json)
    say(answer, as_json=as_json, line=answer["url"])


def _clock(request: dict[str, Any]) -> str:
    left = request["days_left"]
    if left is None:
        return str(request["outcome"] or request["state"])
    days = f"{abs(left)} day" if abs(left) == 1 else f"{abs(left)} days"
    return f"{days} left ({request['due_on']})" if left >= 0 else f"{days} overdue ({request['due_on']})"
