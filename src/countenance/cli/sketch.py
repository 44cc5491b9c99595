"""Group totals without sharing persons: the group's key, sketches and their union, and exact intersections."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Annotated, BinaryIO, Final
from uuid import uuid4

import typer

from countenance.cli.house import Json, Operator, choose_operator, settings
from countenance.errors import ConflictError, LimitError, MalformedError, UnavailableError

intersect_app = typer.Typer(
    help="How many persons two affiliates share, exactly: begin here, answer there, finish here.", no_args_is_help=True
)

spot_app = typer.Typer(
    help="Spot checks on a count: commit to the list, show who is in it, check what was shown.", no_args_is_help=True
)

_KEY_FILE_BYTES_MAX: Final = 4096
_STANDARD_INPUT: Final = Path("-")

KeyFile = Annotated[Path, typer.Option("--key", help="The group's key, a file that nobody else can read.")]
List = Annotated[
    Path | None,
    typer.Argument(
        metavar="[LIST]",
        help="Identifiers, one on each line; - is standard input. Without it: everybody of whom something is stored.",
    ),
]
Output = Annotated[Path, typer.Option("--to", help="The file to write; one that is there is left alone.")]
Counted = Annotated[int, typer.Option("--counted", min=0, help="How many persons the other affiliate has stated.")]


def group_key_command(to: Output) -> None:
    """Make the key of a group: its officer hands it to the affiliates, and keeps it from whoever merges sketches."""
    from countenance.filing.sketches import key_id, new_key, read_key

    text = new_key().encode()
    _write(to, text)
    typer.echo(f"Group key {key_id(read_key(text))}. Hand the file to the affiliates over a channel you trust.")


def sketch_command(key: KeyFile, to: Output, listed: List = None, operator: Operator = None) -> None:
    """Write the sketch of a list of identifiers, or of the persons on file; it prints their number and none of them."""
    from countenance.filing.sketches import make

    with _key(key) as held:
        sketch = make(_identifiers(listed, operator), held)
    _write(to, sketch.to_bytes())
    typer.echo(f"{sketch.persons} persons under group key {sketch.key_id}.")


def union_command(
    files: Annotated[list[Path], typer.Argument(metavar="SKETCH...")],
    as_json: Json = False,
) -> None:
    """Merge sketches and show how many persons they hold together; no key is needed, and none should be at hand."""
    from countenance.filing.sketches import SKETCH_BYTES_MAX, merge, read

    union = merge(read(_bounded(file, SKETCH_BYTES_MAX)) for file in files)
    if as_json:
        typer.echo(json.dumps(asdict(union), indent=2))
        return
    typer.echo(f"{union.sketches} sketches under group key {union.key_id}")
    typer.echo(f"different persons: about {union.estimate}, between {union.lower} and {union.upper} (95 %)")
    typer.echo(f"largest list: {union.largest}; plain sum, by which lines are judged: {union.sum}")


@intersect_app.command("begin")
def begin_command(
    key: KeyFile,
    to: Output,
    secret: Annotated[Path, typer.Option("--secret", help="Where to keep what reads the answer; nobody else's.")],
    listed: List = None,
    operator: Operator = None,
) -> None:
    """Write a request for the other affiliate, and the secret that reads its answer."""
    from countenance.filing.exact import begin

    with _key(key) as held:
        request, kept = begin(_identifiers(listed, operator), held)
    _write(secret, kept)
    try:
        _write(to, request)
    except ConflictError:
        secret.unlink()  # without its request it reads nothing
        raise
    typer.echo("Send the request to the other affiliate, and keep the secret.")


@intersect_app.command("answer")
def answer_command(
    request: Annotated[Path, typer.Argument(metavar="REQUEST")],
    key: KeyFile,
    to: Output,
    counted: Counted,
    listed: List = None,
    operator: Operator = None,
) -> None:
    """Answer the other affiliate's request: it learns how many persons this list has, and how many both share."""
    from countenance.filing.exact import FILE_BYTES_MAX, answer

    with _key(key) as held:
        answered = answer(_bounded(request, FILE_BYTES_MAX), _identifiers(listed, operator), held, counted)
    _write(to, answered)
    typer.echo("Send the answer back.")


@intersect_app.command("finish")
def finish_command(
    answered: Annotated[Path, typer.Argument(metavar="ANSWER")],
    secret: Annotated[Path, typer.Option("--secret", help="What `begin` kept; it is deleted when it has served.")],
    counted: Counted,
    as_json: Json = False,
) -> None:
    """Show how many persons both affiliates share."""
    from countenance.filing.exact import FILE_BYTES_MAX, finish

    found = finish(_private(secret), _bounded(answered, FILE_BYTES_MAX), counted)
    secret.unlink()
    if as_json:
        typer.echo(json.dumps(asdict(found) | {"union": found.union}, indent=2))
        return
    typer.echo(f"ours {found.ours}, theirs {found.theirs}, shared {found.shared}, together {found.union}")


@spot_app.command("commit")
def commit_command(key: KeyFile, to: Output, listed: List = None, operator: Operator = None) -> None:
    """Commit to the list that was counted; the file goes to the authority with the count, the list stays."""
    from countenance.filing.spot_check import CommittedList

    with _key(key) as held:
        commitment = CommittedList(_identifiers(listed, operator), held).commitment()
    _write(to, commitment.to_bytes())
    typer.echo(f"Committed to {commitment.persons} persons. Keep this very list: what is shown later is shown from it.")


@spot_app.command("open")
def open_command(
    asked: Annotated[Path, typer.Argument(metavar="ASKED", help="Who was asked about, one identifier on each line.")],
    key: KeyFile,
    to: Output,
    listed: List = None,
    operator: Operator = None,
) -> None:
    """Show of the persons asked about that they are in the list; of who is not in it nothing can be shown."""
    from countenance.filing.spot_check import CommittedList, written

    wanted = _asked(asked)
    with _key(key) as held:
        kept = CommittedList(_identifiers(listed, operator), held)
        openings = [kept.opening(each, held) for each in wanted]
    _write(to, written(openings))
    absent = openings.count(None)
    typer.echo(f"{len(openings) - absent} of {len(openings)} are in the list.")


@spot_app.command("check")
def check_command(
    commitment: Annotated[Path, typer.Argument(metavar="COMMITMENT")],
    opened: Annotated[Path, typer.Argument(metavar="OPENED")],
    asked: Annotated[Path, typer.Argument(metavar="ASKED")],
    key: KeyFile,
) -> None:
    """Check what an operator showed; ends with 1 where somebody was not in the list, and names the line."""
    from countenance.filing.spot_check import (
        COMMITMENT_BYTES_MAX,
        OPENINGS_BYTES_MAX,
        read_commitment,
        read_openings,
        shows,
    )

    stated = read_commitment(_bounded(commitment, COMMITMENT_BYTES_MAX))
    wanted, openings = _asked(asked), read_openings(_bounded(opened, OPENINGS_BYTES_MAX))
    if len(wanted) != len(openings):
        raise ConflictError(
            "The answer is about another number of persons than were asked about. Ask for one that fits the list.",
            "回复涉及的人数与所查名单不符。请要求与名单一致的回复。",
        )
    with _key(key) as held:
        answers = zip(wanted, openings, strict=True)
        missing = [line for line, (who, shown) in enumerate(answers, 1) if not shows(stated, who, shown, held)]
    typer.echo(f"{len(wanted) - len(missing)} of {len(wanted)} are among the {stated.persons} persons counted.")
    if missing:
        typer.echo(f"Left out of the count, by line of the list asked about: {', '.join(map(str, missing))}")
        raise typer.Exit(1)


def _asked(path: Path) -> list[str]:
    """Return who is asked about, line by line; raises LimitError where they are too many."""
    from countenance.filing.sketches import lines
    from countenance.filing.spot_check import ASKED_MAX

    with _opened(path) as file:
        asked = list(islice(lines(file), ASKED_MAX + 1))
    if len(asked) > ASKED_MAX:
        raise LimitError(
            f"At most {ASKED_MAX:,} persons are asked about at once. Ask in parts.",
            f"每次最多查询 {ASKED_MAX:,} 人。请分批查询。",
        )
    return asked


@contextmanager
def _key(path: Path) -> Iterator[bytearray]:
    """Yield the group's key, and write over it afterwards."""
    from countenance.filing.sketches import read_key

    key = read_key(_private(path))
    try:
        yield key
    finally:
        key[:] = bytes(len(key))


def _identifiers(listed: Path | None, operator: str | None) -> Iterator[str]:
    """Yield the identifiers of a list, or those of the persons on file, as they come; it is closed behind the last."""
    from countenance.filing.sketches import lines

    if listed is None:
        yield from _on_file(operator)
    elif listed == _STANDARD_INPUT:
        yield from lines(sys.stdin.buffer)
    else:
        with _opened(listed) as file:
            yield from lines(file)


def _on_file(operator: str | None) -> Iterator[str]:
    from countenance.app import open_database
    from countenance.store.identifiers import stored

    with open_database(settings()) as database:
        operator_id = choose_operator(database, operator)
        with database.snapshot() as tx:
            yield from map(_named, stored(tx, operator_id))


def _named(ref: str | None) -> str:
    if ref is None:
        raise ConflictError(
            "Something is stored of a person for whom no identifier is on file, so the list would be too short. "
            "Name a list from the system that knows who it is.",
            "有人留有存储数据但无标识，名单将不完整。请使用掌握其身份的系统所导出的名单。",
        )
    return ref


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise _unreadable(error) from None
    with file:
        yield file


def _bounded(path: Path, most: int) -> bytes:
    """Return the bytes of a file that may come from anybody; raises LimitError where there are too many."""
    with _opened(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise LimitError(
            "The file is larger than any of its kind. Check which file it is.",
            "文件大小超过该类文件的上限。请检查文件是否正确。",
        )
    return data


def _private(path: Path) -> bytes:
    """Return the bytes of a file that only its owner may read; raises UnavailableError where others may."""
    with _opened(path) as file:
        if os.fstat(file.fileno()).st_mode & 0o077:
            raise UnavailableError(
                "The secret file can be read by others. Set its mode to 0600; make another if it may have been read.",
                "密钥文件可被他人读取。请将其权限设为 0600；若可能已被他人读取，请重新生成。",
            )
        return file.read(_KEY_FILE_BYTES_MAX)


def _write(path: Path, data: bytes) -> None:
    """Write a file whole that nobody else can read; raises ConflictError where there is one already."""
    draft = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            os.link(draft, path)  # whole or not at all, and never over another
        finally:
            draft.unlink()
    except FileExistsError:
        raise ConflictError(
            "There is a file of this name already. Name another with --to or --secret.",
            "同名文件已存在。请用 --to 或 --secret 指定其他文件。",
        ) from None
    except OSError as error:
        raise ConflictError(
            "It cannot be written there. Name a folder that you may write to.", "无法写入该位置。请指定可写的文件夹。"
        ) from error


def _unreadable(error: OSError) -> MalformedError:
    return MalformedError(f"The file cannot be read: {error.strerror}. Check the path.", "无法读取文件，请检查路径。")
