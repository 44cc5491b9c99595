"""Documents of a filing and the guided impact assessment, on the server's own machine."""

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from countenance.cli.house import Json, Operator, choose_operator, read_file, settings
from countenance.errors import ConflictError, MalformedError
from countenance.vocabulary import FilingKind

if TYPE_CHECKING:
    from countenance.filing.documents.dossier import Dossier
    from countenance.operations.assess import Asking
    from countenance.operations.dossier import Sources

assessment_app = typer.Typer(help="The guided impact assessment of a purpose.", no_args_is_help=True)

Pack = Annotated[str, typer.Option("--pack", help="The pack of law under which is filed.")]
Purpose = Annotated[str, typer.Option("--purpose", "-p", help="The purpose that is assessed.")]
_LANGUAGES = {"zh": ("zh",), "en": ("en",), "both": ("en", "zh")}
_ENDINGS = ("docx", "html", "json")


def package_command(
    pack: Pack,
    act: Annotated[FilingKind, typer.Option("--act", help="What is filed.")] = FilingKind.FIRST,
    lang: Annotated[str, typer.Option("--lang", help="zh, en or both.")] = "both",
    to: Annotated[Path, typer.Option("--to", help="Folder to write package.zip into; made if need be.")] = Path(),
    operator: Operator = None,
) -> None:
    """Write the documents of a filing into package.zip, mode 0600, and list what is missing in them."""
    from countenance.app import now
    from countenance.operations.package import package
    from countenance.vocabulary import Language

    if lang not in _LANGUAGES:
        raise MalformedError("The language is zh, en or both.", "语言须为 zh、en 或 both。")
    with _sources() as sources:
        operator_id = choose_operator(sources.database, operator)
        languages = [Language(each) for each in _LANGUAGES[lang]]
        made = package(sources, operator_id, pack, act, now(), languages)
    path = write_private(to / "package.zip", made)
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        manifest: dict[str, Any] = json.loads(archive.read("manifest.json"))
    typer.echo(f"{path}: {len(manifest['files'])} files.")
    for title, keys in (("Missing on file", manifest["missing"]), ("To be added by hand", manifest["by_hand"])):
        typer.echo(f"{title}: {len(keys)}" + "".join(f"\n  {each}" for each in keys))


def document_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Such as numbers, or assessment-PURPOSE.")],
    pack: Pack,
    lang: Annotated[str, typer.Option("--lang", help="zh or en.")] = "zh",
    form: Annotated[str, typer.Option("--form", help="docx, html or json.")] = "docx",
    to: Annotated[Path, typer.Option("--to", help="Folder to write it into; made if need be.")] = Path(),
    operator: Operator = None,
) -> None:
    """Write one document of a filing, mode 0600."""
    from countenance.app import now
    from countenance.operations.package import document
    from countenance.vocabulary import Language

    if lang not in {"zh", "en"} or form not in _ENDINGS:
        raise MalformedError(
            "The language is zh or en, the form docx, html or json.", "语言须为 zh 或 en，形式须为 docx、html 或 json。"
        )
    with _sources() as sources:
        operator_id = choose_operator(sources.database, operator)
        made = document(sources, operator_id, pack, now(), name, language=Language(lang), ending=form)
    typer.echo(str(write_private(to / f"{name}-{lang}.{form}", made.content)))


@assessment_app.command("show")
def show_command(purpose: Purpose, pack: Pack, operator: Operator = None, as_json: Json = False) -> None:
    """Show every question of a purpose's assessment and what answers it: a person, the configuration, or nobody yet."""
    from countenance.filing.documents.questions import QUESTIONS
    from countenance.operations.assess import listed, shown

    with _sources() as sources:
        dossier = _dossier(sources, operator, pack)
        answers = shown(sources, dossier, purpose)
        with sources.database.reading() as tx:
            rows = listed(tx, dossier.handler.id, purpose)
    said = [
        {
            "assessment": str(row.assessment_id),
            "signed_on": row.signed_on and row.signed_on.isoformat(),
            "valid_until": row.valid_until and row.valid_until.isoformat(),
            "keep_until": row.keep_until and row.keep_until.isoformat(),
        }
        for row in rows
    ]
    if as_json:
        asked = [
            {"id": each.id, "asks": each.asks.value, "question": each.text.en, **answers[each.id]} for each in QUESTIONS
        ]
        typer.echo(json.dumps({"assessments": said, "questions": asked}, ensure_ascii=False, indent=1))
        return
    for each in QUESTIONS:
        typer.echo(f"{each.id}: {each.text.en}\n  [{answers[each.id]['by']}] {answers[each.id]['answer']}".rstrip())
    for row in said:
        signed = f"signed on {row['signed_on']}, kept until {row['keep_until']}" if row["signed_on"] else "draft"
        typer.echo(f"{row['assessment']}: {signed}")


@assessment_app.command("answer")
def answer_command(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="The id that `show` prints.")],
    purpose: Purpose,
    text: Annotated[str, typer.Option("--text", help="In words; left out, an earlier answer goes.")] = "",
    item: Annotated[list[str] | None, typer.Option("--item", help="An entry of a list; repeatable.")] = None,
    step: Annotated[int | None, typer.Option("--step", min=1, max=4, help="From 1, negligible, to 4, maximal.")] = None,
    operator: Operator = None,
) -> None:
    """Answer one question in the draft of a purpose's assessment; a new draft begins with what was signed last."""
    from countenance.filing.documents.answers import read_answer
    from countenance.operations.assess import answer

    given = read_answer({"text": text, "items": item or [], "gauge": step})
    with _sources() as sources:
        row = answer(sources, _asking(sources, operator, purpose), {question: given})
    typer.echo(f"Written into the draft {row.assessment_id}.")


@assessment_app.command("sign")
def sign_command(
    purpose: Purpose,
    pack: Pack,
    staff: Annotated[str, typer.Option("--staff", metavar="ID", help="Who signs, by the code on the list of staff.")],
    operator: Operator = None,
) -> None:
    """Sign the draft of a purpose's assessment, or add a signature to what was signed last."""
    from countenance.operations.assess import sign

    with _sources() as sources:
        row = sign(sources, _asking(sources, operator, purpose), pack, staff)
    typer.echo(f"Signed: {row.assessment_id}, valid until {row.valid_until}, kept until {row.keep_until}.")


@assessment_app.command("delete")
def delete_command(
    assessment: Annotated[UUID, typer.Argument(metavar="ID", help="The id that `show` prints.")],
    purpose: Purpose,
    operator: Operator = None,
) -> None:
    """Delete a draft, or an assessment whose years are over; one that has to be kept is refused."""
    from countenance.operations.assess import delete

    with _sources() as sources:
        delete(sources, _asking(sources, operator, purpose), assessment)
    typer.echo("Deleted.")


@assessment_app.command("export-pia")
def export_command(
    file: Annotated[Path, typer.Argument(metavar="FILE.json")], purpose: Purpose, pack: Pack, operator: Operator = None
) -> None:
    """Write the answers as a file that the PIA tool of the French authority imports."""
    from countenance.operations.assess import purpose_of
    from countenance.operations.package import pia_file

    with _sources() as sources:
        dossier = _dossier(sources, operator, pack)
        made = pia_file(dossier, purpose_of(dossier, purpose))
    typer.echo(str(write_private(file, made.content)))


@assessment_app.command("import-pia")
def import_command(
    file: Annotated[Path, typer.Argument(metavar="FILE.json")], purpose: Purpose, pack: Pack, operator: Operator = None
) -> None:
    """Write what a file of the PIA tool answers into the draft; what the file is silent about stays as it was."""
    from countenance.operations.assess import import_pia

    data = read_file(file)
    with _sources() as sources:
        done = import_pia(sources, _asking(sources, operator, purpose), pack, data)
    typer.echo(f"{len(done.answers)} answers taken.")
    for each in done.left_out:
        typer.echo(f"  no place here for: {each}")


@contextmanager
def _sources() -> "Iterator[Sources]":
    """Yield what documents are gathered from; no network is loaded for it."""
    from countenance.app import logs, open_database, packs
    from countenance.operations.dossier import Sources

    chosen = settings()
    with open_database(chosen) as database:
        yield Sources(database, packs(chosen), logs(chosen), chosen)


def _dossier(sources: "Sources", operator: str | None, pack: str) -> "Dossier":
    from countenance.app import now
    from countenance.operations.dossier import gather

    return gather(sources, choose_operator(sources.database, operator), pack, now())


def _asking(sources: "Sources", operator: str | None, purpose: str) -> "Asking":
    from countenance.app import now
    from countenance.operations.assess import Asking

    return Asking(choose_operator(sources.database, operator), purpose, "console", now())


def write_private(path: Path, content: bytes) -> Path:
    """Write a file whole that nobody else can read, in a folder that is made if need be, and return its path."""
    from countenance.app import private_file

    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        private_file(path, content)
    except OSError as error:
        raise ConflictError(
            "It cannot be written there. Name a folder that you may write to.", "无法写入该位置。请指定可写的文件夹。"
        ) from error
    return path
