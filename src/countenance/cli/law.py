"""The law on the command line: decide, packs, show, test and export (docs/reference/facts.md, Command line).

Exit 0 permit or done, 3 refusal, 2 malformed input, 4 a pack that is not known or cannot be loaded, 1 a failing test.
Only the law's own rooms are imported, so that `law decide` starts fast.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, BinaryIO, TypeVar

import typer

from countenance.answer import Permit, as_json
from countenance.decide import decide
from countenance.errors import CountenanceError, MalformedError
from countenance.facts import Facts, parse_facts, parse_instant
from countenance.facts.reading import FACTS_BYTES_MAX
from countenance.law import Article, Pack, Packs, known_packs, load_packs
from countenance.law.coverage import Coverage, coverage
from countenance.law.examples import cases, check
from countenance.law.schema import cedar_schema
from countenance.settings import Settings, read_settings

PERMITTED, FAILED, MALFORMED, REFUSED, NO_PACK = 0, 1, 2, 3, 4
_DAY_CHARS = len("2023-08-08")

law_app = typer.Typer(help="Ask the law, and read it.", no_args_is_help=True)
T = TypeVar("T")

PackOption = Annotated[
    list[str] | None,
    typer.Option("--pack", metavar="ID", help="A pack that judges, by id or by folder; repeats."),
]
AtOption = Annotated[str | None, typer.Option("--at", metavar="TIME", help="RFC 3339 time that replaces `at`.")]


def _settings() -> Settings:
    """Return the settings that concern the law; the others are the server's."""
    names = [f"COUNTENANCE_{name}" for name in ("LAW_PACKS", "LAW_PUBLISHERS", "DATA_DIR")]
    return read_settings({name: os.environ[name] for name in names if name in os.environ})


def configured_packs() -> tuple[str, ...]:
    """Return the packs that judge where none is named, from the setting `law_packs`."""
    return _settings().law_packs


def _installed() -> Path:
    """Return where packs from outside lie."""
    return _settings().data_dir / "packs"


def _packs(names: Iterable[str]) -> Packs:
    """Return the packs of those names, from the shelf, from outside or from a folder."""
    return load_packs(names, installed=_installed())


def _each(name: str | None) -> list[Pack]:
    """Return the pack of that name, or every pack known, each by itself since editions share an id."""
    names = known_packs(installed=_installed()) if name is None else (name,)
    return [next(iter(_packs([each]))) for each in names]


def _or_exit(code: int, work: Callable[[], T]) -> T:
    """Do the work; an error is one line on standard error, in both languages, and this exit code."""
    try:
        return work()
    except CountenanceError as error:
        line = f"countenance: {error.en} · {error.zh}\n"
        sys.stderr.buffer.write(line.encode("utf-8", "backslashreplace"))
        sys.stderr.flush()
        raise typer.Exit(code) from None


def _write(text: str) -> None:
    """Write UTF-8 whatever the locale is."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


def _read(path: str) -> bytes:
    """Return the input, read no further than one byte over the limit."""

    def some(file: BinaryIO) -> bytes:
        return file.read(FACTS_BYTES_MAX + 1)

    if path == "-":
        return some(sys.stdin.buffer)
    try:
        with Path(path).open("rb") as file:
            return some(file)
    except (OSError, ValueError):
        raise MalformedError(
            "The file cannot be read; check its name and permissions.", "无法读取文件；请检查文件名与权限。"
        ) from None


@law_app.command("decide")
def decide_command(
    facts: Annotated[
        str, typer.Argument(metavar="FACTS.json", help="A JSON object or an array of them; - is standard input.")
    ],
    pack: PackOption = None,
    at: AtOption = None,
) -> None:
    """Answer whether the law permits an act, with every article that refuses it."""
    packs = _or_exit(NO_PACK, lambda: _packs(pack or configured_packs()))
    told = _or_exit(MALFORMED, lambda: _told(facts, packs, at))
    answers = [decide(one, packs) for one in (told if isinstance(told, list) else [told])]
    made = [as_json(answer) for answer in answers]
    _write(json.dumps(made if isinstance(told, list) else made[0], ensure_ascii=False, indent=2) + "\n")
    raise typer.Exit(PERMITTED if all(isinstance(answer, Permit) for answer in answers) else REFUSED)


def _told(path: str, packs: Packs, at: str | None) -> Facts | list[Facts]:
    """Return the facts of the input, moved to another instant where one is given."""
    instant = None if at is None else parse_instant(at, "--at")
    known = {name.partition("@")[0] for name in known_packs(installed=_installed())}
    told = parse_facts(_read(path), {*known, *packs.names})
    if instant is None:
        return told
    return [one.at_instant(instant) for one in told] if isinstance(told, list) else told.at_instant(instant)


@law_app.command("packs")
def packs_command(as_data: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the packs known: status, dates, editions."""
    packs = _or_exit(NO_PACK, lambda: _each(None))
    rows = [_about(pack) for pack in packs]
    if as_data:
        _write(json.dumps(rows, ensure_ascii=False, indent=2) + "\n")
        return
    for row in rows:
        binds = f"binds from {row['binds_from']}" + (f" until {row['in_force_until']}" if row["in_force_until"] else "")
        _write(f"{row['id']}\n  {row['title']['en']}\n  {row['title']['zh']}\n")
        _write(
            f"  {row['status']}, published {row['published']}, {binds}, {row['articles']} articles\n"
            f"  {row['edition']}\n"
        )


def _about(pack: Pack) -> dict[str, Any]:
    def day(value: date | None) -> str | None:
        return None if value is None else value.isoformat()

    return {
        "id": pack.name,
        "title": {"en": pack.title.en, "zh": pack.title.zh},
        "authority": {"en": pack.authority.en, "zh": pack.authority.zh},
        "status": pack.status.value,
        "published": day(pack.published),
        "in_force_from": day(pack.in_force_from),
        "in_force_until": day(pack.in_force_until),
        "binds_from": day(pack.first_day),
        "articles": len(pack.articles),
        "edition": pack.edition,
        "source": pack.source,
        "reviewed_on": day(pack.reviewed_on),
    }


@law_app.command("show")
def show_command(
    pack: Annotated[str, typer.Argument(metavar="PACK", help="Id or folder of a pack.")],
    article: Annotated[str | None, typer.Argument(metavar="[ARTICLE]", help="Number of an article.")] = None,
    at: Annotated[
        str | None, typer.Option("--at", help="Show the numbers of the law on this day or at this time.")
    ] = None,
) -> None:
    """Show a pack, or an article: its text, rules, numbers at a day and examples."""
    shown = _one(pack)
    day = None if at is None else _or_exit(MALFORMED, lambda: _day(shown, at))
    if article is None:
        row = _about(shown)
        _write(f"{row['id']} · {row['title']['en']} · {row['title']['zh']}\n{row['status']} · {row['edition']}\n\n")
        for each in shown.articles:
            _write(f"{each.number:>4}  {each.title.en} · {each.title.zh} ({each.encoding.value})\n")
        return
    found = _or_exit(NO_PACK, lambda: shown.article(article))
    _write(f"# {shown.name}, article {found.number}: {found.title.en} · {found.title.zh}\n\n")
    _write(f"encoding: {found.encoding.value}\nsource: {found.source}\nevidence: {found.evidence}\n")
    _write(f"checked on: {found.checked_on or 'not yet'}\n{_numbers(found, day)}\n{found.text}")


def _day(pack: Pack, at: str) -> date:
    """Return the day that a day or a time names in the place of the pack."""
    if len(at) == _DAY_CHARS:
        return parse_instant(f"{at}T12:00:00Z", "--at").date()
    return pack.day(parse_instant(at, "--at"))


def _numbers(article: Article, day: date | None) -> str:
    """Return the numbers of an article: on a day, or their whole history."""
    lines = []
    for parameter in article.parameters:
        history = ", ".join(f"{value} from {since}" for since, value in parameter.values)
        value = history if day is None else f"{parameter.on(day) if parameter.on(day) is not None else 'none'} on {day}"
        lines.append(f"parameter {parameter.name}: {value} ({parameter.reference})\n")
    return "".join(lines)


def _one(name: str) -> Pack:
    return _or_exit(NO_PACK, lambda: _each(name))[0]


@law_app.command("test")
def run_command(
    pack: Annotated[
        str | None, typer.Argument(metavar="[PACK]", help="Id or folder; without it, every pack known.")
    ] = None,
) -> None:
    """Run every example, each also on every edge of a date; exit 1 where one fails."""
    packs = _or_exit(NO_PACK, lambda: _each(pack))
    failing = 0
    for one in packs:
        told, edges, wrong = _run(one)
        _write("".join(f"FAILED {line}\n" for line in wrong))
        _write(
            f"{one.name}: {len(one.articles)} articles, {told} examples, {edges} on edges of dates, "
            f"{len(wrong)} failing\n"
        )
        failing += len(wrong) + (not told)
    raise typer.Exit(FAILED if failing else PERMITTED)


def _run(pack: Pack) -> tuple[int, int, list[str]]:
    """Return how many examples and edges of a pack were asked, and those that failed."""
    told = edges = 0
    wrong = []
    for case in cases(pack):
        told, edges = (told + 1, edges) if case.when == "told" else (told, edges + 1)
        problem = check(case, decide(case.facts, Packs([pack])))
        if problem is not None:
            wrong.append(f"{case.example.where} ({case.when}): {problem}")
    return told, edges, wrong


@law_app.command("add")
def add_command(
    archive: Annotated[
        Path, typer.Argument(metavar="PACK.zip", help="A pack and its signature (docs/concepts/law.md).")
    ],
) -> None:
    """Take in a pack from a configured publisher, once its signature, its files and every example hold."""
    from countenance.app import now
    from countenance.cli.intake import take_in

    def examine(pack: Pack) -> None:
        if pack.published > pack.day(now()):
            raise MalformedError(
                f"{pack.name}/pack.yaml:1: the pack is published in the future; take it in when it is.",
                f"{pack.name}/pack.yaml:1: 规则包的公布日期在将来；请届时再添加。",
            )
        _, _, wrong = _run(pack)
        if wrong:
            raise MalformedError(f"{wrong[0]}.", f"{wrong[0]}（示例未通过）。")

    taken, publisher = _or_exit(NO_PACK, lambda: take_in(archive, _settings().law_publishers, _installed(), examine))
    _write(f"{taken.name}@{taken.edition.removeprefix('sha256:')[:12]} · {publisher}\n")


@law_app.command("coverage")
def coverage_command(
    pack: Annotated[
        str | None, typer.Argument(metavar="[PACK]", help="Id or folder; without it, every pack known.")
    ] = None,
    as_data: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show how each article is met, and by how many examples; exit 1 where one is unaccounted for."""
    packs = _or_exit(NO_PACK, lambda: _each(pack))
    rows = [row for one in packs for row in coverage(one)]
    if as_data:
        _write(json.dumps([_covered(row) for row in rows], ensure_ascii=False, indent=2) + "\n")
    else:
        _write("".join(_coverage_lines(rows)))
    raise typer.Exit(PERMITTED if all(row.accounted for row in rows) else FAILED)


def _covered(row: Coverage) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in ("rules", "duties", "permits", "refusals", "missing", "edges")}
    title = {"en": row.title.en, "zh": row.title.zh}
    encoding = row.encoding.value
    return {
        "pack": row.pack, "article": row.article, "title": title, "encoding": encoding, **told,
        "accounted": row.accounted,
    }  # fmt: skip


def _coverage_lines(rows: Sequence[Coverage]) -> Iterator[str]:
    """Yield a table for each pack, and how many of its articles are met in each way."""
    for name in dict.fromkeys(row.pack for row in rows):
        of_pack = [row for row in rows if row.pack == name]
        yield f"{name}\n article  met            rules duties permit refuse missing edges\n"
        for row in of_pack:
            numbers = (row.rules, row.duties, row.permits, row.refusals, row.missing, row.edges)
            shown = " ".join(f"{number:>6}" for number in numbers)
            mark = "" if row.accounted else "  UNACCOUNTED"
            yield f"{row.article:>8}  {row.encoding.value:<13} {shown}  {row.title.en} · {row.title.zh}{mark}\n"
        counts = Counter(row.encoding.value for row in of_pack)
        yield f"  {len(of_pack)} articles: " + ", ".join(f"{number} {met}" for met, number in counts.items()) + "\n\n"


@law_app.command("export")
def export_command(
    pack: Annotated[str, typer.Argument(metavar="PACK", help="Id or folder of a pack.")],
    cedar: Annotated[bool, typer.Option("--cedar", help="As Cedar, which is the only form there is.")] = False,
    to: Annotated[
        Path | None, typer.Option("--to", help="Folder to write the files into, instead of standard output.")
    ] = None,
) -> None:
    """Write the policies and the schema as plain Cedar, for other implementations (docs/concepts/law.md)."""
    exported = _one(pack)
    if not cedar:
        _or_exit(MALFORMED, _say_cedar)
    files = _exported(exported)
    if to is None:
        _write(files["policies.cedar"])
        _write("".join(f"// {line}\n".replace("//  \n", "//\n") for line in _schema_lines(files)))
        return
    _or_exit(MALFORMED, lambda: _save(to, files))


def _say_cedar() -> None:
    raise MalformedError("Say --cedar; it is the form that there is.", "请使用 --cedar，这是目前唯一的格式。")


def _schema_lines(files: dict[str, str]) -> Iterable[str]:
    yield "The schema (schema.cedarschema), commented out so that this whole text is policies:"
    yield from files["schema.cedarschema"].splitlines()


def _exported(pack: Pack) -> dict[str, str]:
    """Return the files of an export by name."""
    parameters = {each.name: each for article in pack.articles for each in article.parameters}
    numbers = {name: {str(since): value for since, value in each.values} for name, each in parameters.items()}
    head = (
        f"// {pack.name}, edition {pack.edition}\n"
        "// Permitted is what the base permits and nothing forbids; an error in a policy is a refusal, never a skip.\n"
        f"// context.law holds these numbers, each from its first day: {json.dumps(numbers)}\n\n"
    )
    duties = "\n\n".join(duty.cedar for article in pack.articles for duty in article.duties)
    return {
        "policies.cedar": head + pack.compiled.text + "\n",
        "duties.cedar": f"// {pack.name}: duties that a permit carries; not part of the decision.\n\n{duties}\n",
        "schema.cedarschema": cedar_schema(parameters),
        "parameters.json": json.dumps(numbers, indent=2) + "\n",
    }


def _save(folder: Path, files: dict[str, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError:
        raise MalformedError("The folder cannot be written; choose another.", "无法写入该文件夹；请另选。") from None
