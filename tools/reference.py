"""Write the reference from the code: `make docs`. A test holds that what is written is what the code says.

Each page is made from one source: the settings from `settings.py`, the errors from `errors.py`, the facts from `facts`,
the commands from `cli`, the public types from every docstring. Text that explains belongs elsewhere.
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import MISSING, fields
from enum import StrEnum
from functools import cache, partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "countenance"
TYPES_BEGIN = "<!-- types: written by make docs -->"
GENERATED = "<!-- Written by `make docs`; do not edit. -->\n\n"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table; a bar inside a cell is escaped."""
    head = list(head)
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def settings_page() -> str:
    """Return the tables of settings with defaults and sentences: the server's, and an authority's."""
    from countenance.app.authority import PREFIX as AUTHORITY
    from countenance.app.authority import AuthoritySettings
    from countenance.settings import PREFIX, Settings

    def shown(value: Any) -> str:
        if value is MISSING or value is None:
            return "none"
        if isinstance(value, tuple):
            value = ",".join(value)
        return f"`{value:,}`".replace(",", " ") if type(value) is int and value > 9999 else f"`{value}`"

    rows = [(f"`{PREFIX}{each.name.upper()}`", shown(each.default), each.metadata["says"]) for each in fields(Settings)]
    of_authority = [
        (f"`{AUTHORITY}{name.upper()}`", shown(each.default), str(each.description))
        for name, each in AuthoritySettings.model_fields.items()
    ]
    return (
        "# Settings\n\n" + GENERATED + "Every setting is an environment variable, read once when the server starts. "
        "An unknown name that begins with\n"
        f"`{PREFIX}` stops the start, so that a misspelt protection is not silently absent. None of them can be set "
        "by a caller.\n\n"
        + table(("setting", "default", "what it does"), rows)
        + "\n## An authority's server\n\nRead by `countenance authority serve`, and passed over by an operator's "
        "server in the same environment.\n\n" + table(("setting", "default", "what it does"), of_authority)
    )


def errors_page() -> str:
    """Return the kinds of errors, and what the REST interface makes of each."""
    from countenance.api.problems import KINDS, PROBLEMS

    told = {kind.__name__: name for kind, name in KINDS.items()}
    kinds = [
        (f"`{name}`", says, f"`{told[name]}`" if name in told else "") for name, _, says in types(PACKAGE / "errors.py")
    ]
    problems = [
        (str(each.status), f"`{each.type}`", f"{each.title.en}<br>{each.title.zh}", f"{each.says.en}<br>{each.says.zh}")
        for each in PROBLEMS
    ]
    return (
        "# Errors\n\n"
        + GENERATED
        + "What can go wrong, by kind. Results are not errors: a refusal by the law, a non-match and a failure to\n"
        "acquire are answers, and are recorded.\n\n"
        + table(("kind", "meaning", "told as"), kinds)
        + "\n## Over HTTP\n\nEvery answer but a success has a body of type `application/problem+json` (RFC 9457)."
        " Its `type` is an address\non the server itself, where the same is explained. Anything unforeseen is told as "
        "`unexpected`, with an identifier and nothing more.\n\n"
        + table(("status", "type", "title", "what to do"), problems)
    )


def rest_page() -> str:
    """Return every operation of the REST interface with the roles that may call it."""
    from countenance.api import routes
    from countenance.api.door import ByReceipt, Open

    rows = [
        (
            each.method,
            f"`{each.path}`",
            first_line(each.endpoint.__doc__),
            f"anybody. {each.roles.why}"
            if isinstance(each.roles, Open)
            else f"whoever holds a receipt. {each.roles.may}"
            if isinstance(each.roles, ByReceipt)
            else ", ".join(role.value for role in each.roles),
        )
        for each in routes()
    ]
    return (
        "# REST interface\n\n"
        + GENERATED
        + "The operations with their roles. Bodies, answers and examples are in the interface's own description, "
        "`GET /v1/openapi.json`;\nwhat can go wrong is on the page about [errors](errors.md).\n\n"
        + table(("method", "address", "what it does", "who may"), rows)
    )


def facts_page() -> str:
    """Return every fact with its type, who establishes it, and the closed lists."""
    from countenance.facts import FACT_NAMES

    by = {"D": "declared", "F": "on file", "M": "measured"}
    rows, lists = [], {}
    for fact in FACT_NAMES.values():
        kind = fact.kind if fact.values is None else f"{fact.kind}: [{fact.values.__name__}](#{link(fact.values)})"
        rows.append((f"`{fact.name}`", kind, by[fact.by], "is an answer" if fact.absence_answers else "refuses"))
        if fact.values is not None:
            lists[fact.values.__name__] = fact.values
    closed = [
        f"### {name}\n\n{first_line(each.__doc__)}\n\n" + " · ".join(f"`{value}`" for value in each) + "\n"
        for name, each in sorted(lists.items())
    ]
    return (
        "# Facts\n\n" + GENERATED + "What an article of law can ask for. A fact that is absent or null is unknown; "
        "where an article needs an unknown\nfact, the answer is a refusal that names it, except where absence is an "
        "answer of its own.\n\n"
        + table(("fact", "type", "established", "absent"), rows)
        + "\n## Closed lists\n\n"
        + "\n".join(closed)
    )


@cache
def law() -> Any:
    """Return the packs on the shelf, read once."""
    from countenance.law.shelf import load_packs

    return load_packs()


def law_page() -> str:
    """Return the packs on the shelf with their articles, each a link to its page."""
    parts = []
    for pack in law():
        until = f" until {pack.in_force_until}" if pack.in_force_until else ""
        about = [
            ("status", pack.status.value),
            ("authority", pack.authority.en),
            ("published", str(pack.published)),
            ("in force", f"{pack.in_force_from or 'never'}{until}"),
            ("binds from", str(pack.first_day)),
            ("source", f"<{pack.source}>"),
        ]
        rows = [
            (
                f"[{article.number}](law/{article_file(article)})",
                f"{article.title.en}<br>{article.title.zh}",
                article.encoding.value,
                ", ".join(f"`{action}`" for action in reached(article)),
                str(len(article.examples)),
            )
            for article in pack.articles
        ]
        head = ("article", "title", "how it is met", "actions", "examples")
        parts.append(
            f"## {pack.name}\n\n{pack.title.en}<br>{pack.title.zh}\n\n{table(('', ''), about)}\n{table(head, rows)}"
        )
    return (
        "# Law\n\n"
        + GENERATED
        + "The packs that come with the product, article by article. The article's own file, which each page links, is "
        "the\nsource of all: its text, what is encoded and what is not, the rules, and examples that are tests.\n\n"
        + "\n".join(parts)
    )


def article_file(article: Any) -> str:
    """Return where the page of an article lies, under docs/reference/law."""
    return str(article.file).replace("/articles/", "/")


def reached(article: Any) -> list[str]:
    """Return the actions that the rules of an article reach, in the order of the contract."""
    from countenance.vocabulary import Action

    return [action.value for action in Action if any(action in rule.actions for rule in article.rules)]


def article_page(pack: Any, article: Any) -> str:
    """Return one article: how it is met, its text, numbers, rules, examples, and where it is enforced."""
    about = [
        ("how it is met", article.encoding.value),
        ("the pack", f"{pack.name}, {pack.status.value}, binds from {pack.first_day}"),
        ("source", f"<{article.source}>"),
        ("evidence", article.evidence),
        ("compared with the official text", str(article.checked_on or "not yet")),
        ("file", f"[{article.file}](../../../../src/countenance/law/packs/{article.file})"),
    ]
    numbers = [
        (f"`{each.name}`", ", ".join(f"{value} from {since}" for since, value in each.values), each.reference)
        for each in article.parameters
    ]
    parts = [
        f"# {pack.name}, article {article.number}: {article.title.en} · {article.title.zh}\n\n{GENERATED}"
        + table(("", ""), about),
        article.text.partition("\n## Rules\n")[0].strip() + "\n",
    ]
    if numbers:
        parts.append("## Numbers of the law\n\n" + table(("parameter", "value", "what it is"), numbers))
    if article.rules:
        parts += ["## Rules\n\n" + "\n".join(rules(pack, article)), "## Examples\n\n" + examples(article)]
        parts.append("## Where it is enforced\n\n" + enforced(article))
    return "\n".join(parts)


def rules(pack: Any, article: Any) -> Iterator[str]:
    """Yield what each rule says, whom it reaches, what it looks at, and the rule itself."""
    atoms = pack.compiled.atoms
    for rule in article.rules:
        read = sorted({name for atom in rule.atoms for name in atoms[atom].facts} | set(rule.requires))
        rows = [
            ("refuses", f"{rule.reason.en}<br>{rule.reason.zh}"),
            ("remedy", f"{rule.remedy.en}<br>{rule.remedy.zh}"),
            (
                "actions",
                ", ".join(f"`{action}`" for action in sorted(rule.actions)) if len(rule.actions) < 12 else "all",
            ),
            ("looks at", ", ".join(f"`{name}`" for name in read)),
        ]
        conditions = rule.cedar[rule.cedar.index("forbid") :]
        yield f"{table(('', ''), rows)}\n```cedar\n{conditions}\n```\n"
    for duty in article.duties:
        says = f"Duty `{duty.duty}`, which comes with a permit. {duty.reason.en}<br>{duty.reason.zh}"
        yield f"{says}\n\n```cedar\n{duty.cedar[duty.cedar.index('permit') :]}\n```\n"


def examples(article: Any) -> str:
    """Return the examples as they are told; each is also asked on every edge of a date."""
    import json

    rows = []
    for each in article.examples:
        facts = json.dumps({name: value for name, value in each.facts.items() if name != "at"}, ensure_ascii=False)
        missing = ": " + ", ".join(f"`{name}`" for name in each.named) if each.named else ""
        rows.append(
            (f"{each.story.en}<br>{each.story.zh}", f"`{facts}`", str(each.facts["at"]), each.outcome + missing)
        )
    return table(("story", "facts", "at", "this article"), rows)


def enforced(article: Any) -> str:
    """Return for each action the modules that ask the law about it."""
    rows = []
    for action in reached(article):
        asking = re.compile(rf"\bAction\.{action.upper()}\b")
        paths = [path for room in ("operations", "sites", "api") for path in sorted((PACKAGE / room).rglob("*.py"))]
        found = [str(path.relative_to(PACKAGE)) for path in paths if asking.search(path.read_text("utf-8"))]
        found = [name for name in found if name != "operations/own.py"]  # what the server refuses without asking
        rows.append((f"`{action}`", ", ".join(f"`{name}`" for name in found) or "`countenance law decide` alone"))
    return "By `decide.py`, which nothing gets round: engines and `compare` take its permit.\n\n" + table(
        ("action", "asked about in"), rows
    )


def article_pages() -> dict[str, Callable[[], str]]:
    """Return the pages of every article on the shelf by their names."""
    return {
        f"docs/reference/law/{article_file(article)}": partial(article_page, pack, article)
        for pack in law()
        for article in pack.articles
    }


def link(each: type[StrEnum]) -> str:
    """Return the fragment of a heading as Markdown viewers make it."""
    return each.__name__.lower()


def commands_page() -> str:
    """Return every command with its usage and options."""
    import typer

    from countenance.cli import app

    return "# Command line\n\n" + GENERATED + "\n".join(commands(typer.main.get_command(app), "countenance"))


def commands(command: Any, path: str) -> Iterator[str]:
    """Yield the section of a command and of those below it."""
    context = command.make_context(path, [], resilient_parsing=True)
    if hasattr(command, "commands"):
        if path != "countenance":
            yield f"## {path}\n\n{paragraph(command.help)}\n"
            yield from options(command, context)
        for name in sorted(command.commands):
            if not command.commands[name].hidden:
                yield from commands(command.commands[name], f"{path} {name}")
        return
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"### {path}\n\n{paragraph(command.help)}\n\n```\n{path} {usage}\n```\n"
    yield from options(command, context)


def options(command: Any, context: Any) -> Iterator[str]:
    """Yield the table of what a command takes, where it takes anything."""
    records = [each.get_help_record(context) for each in command.params]
    rows = [(f"`{record[0]}`", paragraph(record[1])) for record in records if record]
    if rows:
        yield table(("argument or option", "meaning"), rows)


def paragraph(text: str | None) -> str:
    """Return the text on one line."""
    return " ".join((text or "").split())


def first_line(text: str | None) -> str:
    """Return the sentence a docstring begins with."""
    return (text or "").strip().split("\n")[0]


def types(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield the public classes of a module: name, module, first line of the docstring."""
    where = str(path.relative_to(PACKAGE).with_suffix("")).replace("/", ".").removesuffix(".__init__")
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.name, where, first_line(ast.get_docstring(node))


def all_types() -> list[tuple[str, str, str]]:
    """Return every public class of the package but those of the command line and the migrations."""
    paths = [path for path in sorted(PACKAGE.rglob("*.py")) if path.relative_to(PACKAGE).parts[0] != "cli"]
    return sorted((row for path in paths if "migrations" not in path.parts for row in types(path)), key=sort_key)


def sort_key(row: tuple[str, str, str]) -> tuple[str, str]:
    """Sort by name without regard to case, then by module."""
    return row[0].lower(), row[1]


def glossary_page() -> str:
    """Return the glossary: the words as they stand, and the table of public types written again."""
    words = (ROOT / "docs" / "glossary.md").read_text("utf-8").split(TYPES_BEGIN)[0]
    rows = [(f"`{name}`", f"`{where}`", says) for name, where, says in all_types()]
    return words + TYPES_BEGIN + "\n\n" + table(("type", "module", "what it is"), rows)


def interface_page() -> str:
    """Return the description of the REST interface, as the server itself gives it, for review as a file."""
    import json

    from countenance.api import description

    return json.dumps(description(), ensure_ascii=False, indent=1) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "docs/reference/settings.md": settings_page,
    "docs/reference/errors.md": errors_page,
    "docs/reference/rest.md": rest_page,
    "docs/reference/facts.md": facts_page,
    "docs/reference/law.md": law_page,
    "docs/reference/command-line.md": commands_page,
    "docs/glossary.md": glossary_page,
    "tests/golden/openapi.json": interface_page,
    **article_pages(),
}


def main() -> None:
    """Write every page that differs, and remove pages of articles that are no more."""
    for path in (ROOT / "docs" / "reference" / "law").rglob("*.md"):
        if str(path.relative_to(ROOT)) not in PAGES:
            path.unlink()
    for name, write in PAGES.items():
        text, path = write(), ROOT / name
        if not path.exists() or path.read_text("utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            print(f"wrote {name}")


if __name__ == "__main__":
    main()
