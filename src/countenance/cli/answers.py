"""How answers and refusals look on a terminal, and which exit code they give."""

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

import typer

from countenance.client import Client, Problem
from countenance.errors import MalformedError, NotAllowedError

Answer = TypeVar("Answer")
_TOKEN: Final = re.compile(r"cn_[A-Za-z0-9_-]{1,128}")
_RECEIPT: Final = re.compile(r"cr_[A-Za-z0-9_-]{1,128}")

EXIT_REFUSED: Final = 3
EXIT_MALFORMED: Final = 2
EXIT_NOT_ACQUIRED: Final = 1
_FORBIDDEN, _BAD_REQUEST, _TOO_LARGE, _UNPROCESSABLE = 403, 400, 413, 422


def client() -> Client:
    """Return a client for the server and the credential that the environment names.

    Raises NotAllowedError where no credential is named: COUNTENANCE_TOKEN_FILE (or COUNTENANCE_TOKEN).
    """
    token = os.environ.get("COUNTENANCE_TOKEN", "")
    if file := os.environ.get("COUNTENANCE_TOKEN_FILE"):
        token = _read(Path(file), "COUNTENANCE_TOKEN_FILE")
    if not token:
        raise NotAllowedError(
            "No credential is named. Set COUNTENANCE_TOKEN_FILE to the file that holds one.",
            "未指定凭证。请将 COUNTENANCE_TOKEN_FILE 设为保存凭证的文件。",
            known=False,
        )
    if not _TOKEN.fullmatch(token):
        raise MalformedError(
            "The credential is not one: it is a single line that begins with cn_.",
            "凭证格式不符：应为以 cn_ 开头的一行文本。",
        )
    return Client(_url(), token)


def holder(file: Path) -> Client:
    """Return a client for the server that the environment names and the receipt in a file; no credential is needed."""
    token = _read(file, "--token-file")
    if not _RECEIPT.fullmatch(token):
        raise MalformedError(
            "The file does not hold a receipt: that is a single line that begins with cr_.",
            "该文件不是回执：应为以 cr_ 开头的一行文本。",
        )
    return Client(_url(), token)


def _read(file: Path, name: str) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError):
        message = f"The file that {name} names cannot be read. Check the path."
        raise MalformedError(message, f"无法读取 {name} 指定的文件，请检查路径。") from None


def readiness() -> dict[str, Any]:
    """Return what the server says of its parts; it is asked without a credential, and answers when it is not ready."""
    try:
        return Client(_url()).ready()
    except Problem as problem:
        if "parts" not in problem.body:
            _end(problem, as_json=False)
        return dict(problem.body)


def _url() -> str:
    return os.environ.get("COUNTENANCE_URL", "http://127.0.0.1:8000")


def picture(path: Path) -> bytes:
    """Return the bytes of a picture file; raises MalformedError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"The picture file cannot be read: {error.strerror}. Check the path."
        raise MalformedError(message, "无法读取图片文件，请检查路径。") from None


def say(answer: Mapping[str, Any], *, as_json: bool, line: str) -> None:
    """Print an answer as one JSON object, or as one line for a person."""
    typer.echo(json.dumps(answer, ensure_ascii=False, indent=2) if as_json else line)


def asking(ask: Callable[[], Answer], *, as_json: bool) -> Answer:
    """Return what `ask` answers, or end the command with the problem it meets and that problem's exit code."""
    try:
        return ask()
    except Problem as problem:
        _end(problem, as_json=as_json)


def tell_findings(findings: Sequence[Mapping[str, Any]]) -> None:
    """Print every finding: its article, why it refuses in both languages, where that is said, and what to do."""
    for finding in findings:
        article = f"{finding['pack']} article {finding['article']}" if finding["pack"] else "this server"
        unknown = f" (not known: {', '.join(finding['facts'])})" if finding["outcome"] == "missing" else ""
        where = f" At: {', '.join(finding['devices'])}." if finding.get("devices") else ""
        typer.echo(f"  {article}: {finding['reason']['en']}{unknown}{where}")
        typer.echo(f"    {finding['reason']['zh']}")
        typer.echo(f"    → {finding['remedy']['en']}")


def _end(problem: Problem, *, as_json: bool) -> NoReturn:
    body = problem.body
    if as_json:
        typer.echo(json.dumps(body, ensure_ascii=False, indent=2))
    elif "findings" in body:
        typer.echo("Refused.")
        tell_findings(body["findings"])
        typer.echo(f"  On record as {body['record']['id']}.")
    else:
        typer.echo(f"countenance: {body.get('detail', body.get('title', ''))} · {body.get('detail_zh', '')}", err=True)
    if "findings" in body:
        raise typer.Exit(EXIT_REFUSED)
    raise typer.Exit(EXIT_MALFORMED if problem.status in {_BAD_REQUEST, _TOO_LARGE} else EXIT_NOT_ACQUIRED)
