"""The shelf of packs: found by looking, loaded whole or not at all, each problem with its file and line."""

import json
import re
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cedarpy import validate_policies

from countenance.errors import MalformedError, NotFoundError
from countenance.facts import Facts, parse_one
from countenance.law.article import Source, day_of, read_article, text_of
from countenance.law.atoms import AtomIndex
from countenance.law.compiled import Compiled
from countenance.law.files import edition, read_pack, refuse
from countenance.law.pack import Article, Pack, Packs, Reach, Status, article_order
from countenance.law.schema import cedar_schema
from countenance.law.strict_yaml import read_yaml
from countenance.law.tree import leaves
from countenance.vocabulary import Action

#: Where the packs that come with the product lie, one folder each.
SHELF: Final = Path(__file__).parent / "packs"
#: How an edition is written as the name of a folder, and how much of it names a pack.
_ADDED: Final = re.compile(r"[0-9a-f]{64}")
_DIGITS_MIN, _DIGITS_SHOWN = 8, 12
_KEYS: Final = frozenset((
    "id", "title", "authority", "status", "published", "in_force_from", "in_force_until", "timezone", "source",
    "reviewed_on", "reviewed_by",
))  # fmt: skip


def known_packs(shelf: Path = SHELF, installed: Path | None = None) -> tuple[str, ...]:
    """Return the names of the packs on the shelf, and of those put in by `countenance law add`, without reading them.

    An id stands for the pack on the shelf; `id@` and the first digits of an edition for one that was added.
    """
    names = sorted(folder.name for folder in shelf.iterdir() if folder.is_dir())
    return (*names, *(f"{folder.parent.name}@{folder.name[:_DIGITS_SHOWN]}" for folder in _added(installed)))


def _added(installed: Path | None) -> list[Path]:
    """Return the folders of the packs that were added, one for each edition."""
    found = installed.glob("*/*") if installed is not None else ()
    return sorted(folder for folder in found if _ADDED.fullmatch(folder.name) and folder.is_dir())


def load_packs(names: Iterable[str] | None = None, shelf: Path = SHELF, installed: Path | None = None) -> Packs:
    """Return the packs of those names, or all on the shelf; one that does not load stops with `MalformedError`.

    A name is the id of a pack on the shelf, or of the only edition added of a pack that is not there; `id@` and the
    first digits of an edition that was added; or the path of a folder, which has a slash in it. Raises `NotFoundError`
    for a name that is none of these or a folder that is not there.
    """
    wanted = known_packs(shelf) if names is None else names
    return Packs([_named(name, shelf, installed) for name in dict.fromkeys(wanted)])


def edition_of(name: str, shelf: Path = SHELF) -> str:
    """Return the edition of the pack of that name, on the shelf or a folder; raises what `load_packs` raises."""
    folder = Path(name) if "/" in name else shelf / name if name in known_packs(shelf) else None
    return edition(read_pack(folder, folder.name)) if folder is not None else _named(name, shelf, None).edition


def _named(name: str, shelf: Path, installed: Path | None) -> Pack:
    """Return the pack of a name."""
    if "/" in name:
        return load_pack(Path(name))
    if name in known_packs(shelf):
        return load_pack(shelf / name)
    pack, at, digits = name.partition("@")
    chosen = [folder for folder in _added(installed) if folder.parent.name == pack and folder.name.startswith(digits)]
    if len(chosen) != 1 or (at and len(digits) < _DIGITS_MIN):
        listed = ", ".join(known_packs(shelf, installed))
        raise NotFoundError(
            f"No pack, or more than one, has that id; the packs known are {listed}.",
            f"没有或有多个该标识的规则包；已知规则包：{listed}。",
        )
    loaded = load_pack(chosen[0], pack)
    if loaded.edition != f"sha256:{chosen[0].name}":
        refuse(pack, 1, "this pack is no longer what was added; add it again", "此规则包与添加时不同；请重新添加")
    return loaded


def load_pack(folder: Path, name: str | None = None) -> Pack:
    """Return the pack of a folder, wherever it lies; no code of it is run, and its id is `name` or the folder's name.

    Raises `MalformedError` with file and line for anything the shelf refuses, `NotFoundError` where there is no folder.
    """
    name = folder.name if name is None else name
    files = read_pack(folder, name)
    for needed in ("pack.yaml", "base.cedar"):
        if needed not in files:
            refuse(f"{name}/{needed}", 1, "this file is missing", "缺少此文件")
    about = _about(name, files["pack.yaml"])
    base = _base(name, files["base.cedar"])
    atoms = AtomIndex()
    articles: list[Article] = []
    policies = 1  # the base permit
    for path in sorted((path for path in files if path.startswith("articles/")), key=_by_number):
        if not path.endswith(".md"):
            refuse(f"{name}/{path}", 1, "an article is a Markdown file (.md)", "条文须为 Markdown 文件（.md）")
        article = read_article(Source(name, f"{name}/{path}", files[path]), atoms, policies)
        policies += len(article.rules)
        articles.append(article)
    _check_articles(name, articles)
    rules = [(rule.policy, rule.cedar, rule.actions) for article in articles for rule in article.rules]
    compiled = Compiled(base, rules, atoms.atoms, _by_action(articles))
    _check_schema(compiled.text, articles, f"{name}/base.cedar")
    pack = Pack(
        **about,
        edition=edition(files),
        articles=tuple(articles),
        rules={action: _rules(action, articles, atoms) for action in Action},
        compiled=compiled,
    )
    _check_parameters(pack)
    _check_examples(pack)
    return pack


def _by_number(path: str) -> tuple[int, str, str]:
    """Return the key that sorts article files; a name without a number is refused when it is read."""
    number = path.rpartition("/")[2].partition("-")[0].lstrip("0")
    return (
        (*article_order(number), path)
        if number[:1].isdigit() and number.rstrip("abcdefghijklmnopqrstuvwxyz").isdigit()
        else (0, "", path)
    )


def _by_action(articles: Sequence[Article]) -> dict[Action, list[int]]:
    """Return the atoms that rules and duties for each action read."""
    found: dict[Action, set[int]] = {action: set() for action in Action}
    for article in articles:
        for actions, tree in [
            *((rule.actions, rule.tree) for rule in article.rules),
            *((duty.actions, duty.tree) for duty in article.duties),
        ]:
            for action in actions:
                found[action] |= leaves(tree)
    return {action: sorted(indexes) for action, indexes in found.items()}


def _rules(action: Action, articles: Sequence[Article], atoms: AtomIndex) -> tuple[Reach, ...]:
    """Return the articles that have rules for an action, with those rules and what they look at."""
    made = []
    for article in articles:
        rules = tuple(rule for rule in article.rules if action in rule.actions)
        read = sorted(frozenset[int]().union(*(rule.atoms for rule in rules)))
        names = dict.fromkeys([*atoms.reads(read), *(name for rule in rules for name in rule.requires)])
        numbers = dict.fromkeys(name for index in read for name in atoms.atoms[index].parameters)
        if rules:
            made.append(Reach(article, rules, tuple(names), tuple(numbers)))
    return tuple(made)


def _about(name: str, text: str) -> dict[str, Any]:
    """Return what pack.yaml says, by the names of `Pack`."""
    where = f"{name}/pack.yaml"
    raw = read_yaml(text, where)
    if not isinstance(raw, dict) or set(raw) != _KEYS:
        wanted = ", ".join(sorted(_KEYS))
        refuse(where, 1, f"pack.yaml has exactly these keys: {wanted}", f"pack.yaml 须恰有这些键：{wanted}")
    if raw["id"] != name:
        refuse(where, 1, "the id is the name of the pack's folder", "id 须与规则包文件夹同名")
    days = {
        key: None if raw[key] is None else day_of(raw[key], where, key, 1)
        for key in ("published", "in_force_from", "in_force_until", "reviewed_on")
    }
    try:
        status = Status(raw["status"])
        zone = ZoneInfo(raw["timezone"])
    except ZoneInfoNotFoundError:
        refuse(
            where,
            1,
            "the timezone is not in the zone database; correct it, or install tzdata",
            "时区不在时区数据库中；请更正，或安装 tzdata",
        )
    except (ValueError, TypeError, OSError):
        refuse(where, 1, "status or timezone is not one that the shelf knows", "status 或 timezone 不是规则架所知的值")
    _check_days(where, status, days)
    return {
        **days,
        "name": name,
        "title": text_of(raw["title"], where, "title", 1),
        "authority": text_of(raw["authority"], where, "authority", 1),
        "status": status,
        "zone": zone,
        "source": str(raw["source"]),
        "reviewed_by": raw["reviewed_by"],
    }


def _check_days(where: str, status: Status, days: dict[str, date | None]) -> None:
    """Refuse days that contradict the status: a draft is never in force, and what is in force has a first day."""
    first, last = days["in_force_from"], days["in_force_until"]
    if days["published"] is None:
        refuse(where, 1, "published is a day", "published 须为日期")
    if status is Status.DRAFT and (first is not None or last is not None):
        refuse(
            where,
            1,
            "a draft is never in force; leave in_force_from and in_force_until null",
            "草案从未生效；in_force_from 与 in_force_until 须为空",
        )
    if status is not Status.DRAFT and first is None:
        refuse(where, 1, "in_force_from is needed unless the pack is a draft", "除草案外须提供 in_force_from")
    if status is Status.REPEALED and last is None:
        refuse(where, 1, "a repealed pack has an in_force_until", "已废止的规则包须有 in_force_until")
    if first is not None and last is not None and last < first:
        refuse(where, 1, "in_force_until is before in_force_from", "in_force_until 早于 in_force_from")


def _base(name: str, text: str) -> str:
    """Return the one base permit of a pack, which says nothing but that what no article forbids is permitted."""
    wanted = f'@id("{name}/base") permit (principal, action, resource);'
    if "".join(text.split()) != "".join(wanted.split()):
        refuse(f"{name}/base.cedar", 1, f"the file holds exactly `{wanted}`", f"此文件须恰为 `{wanted}`")
    return text.strip()


def _check_articles(name: str, articles: Sequence[Article]) -> None:
    """Refuse a pack without articles, and two files or two parameters of one name."""
    if not articles:
        refuse(f"{name}/articles", 1, "a pack has at least one article", "规则包至少须有一条条文")
    numbers: set[str] = set()
    parameters: set[str] = set()
    for article in articles:
        if article.number in numbers:
            refuse(article.file, 2, "another file has this article already", "另一文件已含此条文")
        numbers.add(article.number)
        for parameter in article.parameters:
            if parameter.name in parameters:
                refuse(
                    article.file,
                    2,
                    f"another article has the parameter {parameter.name}",
                    f"另一条文已有参数 {parameter.name}",
                )
            parameters.add(parameter.name)


def _check_schema(text: str, articles: Sequence[Article], where: str) -> None:
    """Refuse what Cedar's own validator finds wrong: types, facts unguarded where absence is an answer, parameters."""
    schema = cedar_schema(parameter.name for article in articles for parameter in article.parameters)
    checked = [("", text, where)]
    checked += [("", duty.cedar, article.file) for article in articles for duty in article.duties]
    by_policy = {rule.policy: article.file for article in articles for rule in article.rules}
    for _, policies, file in checked:
        result = validate_policies(policies, schema)
        if not result.validation_passed:
            first = result.errors[0]
            said = " ".join(first.error.split())[:300]
            refuse(
                by_policy.get(first.policy_id, file),
                1,
                f"Cedar's validator refuses a rule ({said})",
                "Cedar 校验器拒绝了一条规则",
            )


def _check_parameters(pack: Pack) -> None:
    """Refuse a parameter without a value on the first day, or with a period that no example shows."""
    for article in pack.articles:
        days = [pack.day(_example_facts(pack, example.facts, example.where).at) for example in article.examples]
        for parameter in article.parameters:
            if parameter.on(pack.first_day) is None:
                refuse(
                    article.file,
                    2,
                    f"{parameter.name} has no value on the pack's first day",
                    f"{parameter.name} 在规则包首日没有值",
                )
            for place, (since, _) in enumerate(parameter.values):
                until = parameter.values[place + 1][0] if place + 1 < len(parameter.values) else date.max
                if not any(since <= day < until for day in days):
                    refuse(
                        article.file,
                        2,
                        f"no example shows {parameter.name} from {since}",
                        f"没有示例展示 {since} 起的 {parameter.name}",
                    )


def _example_facts(pack: Pack, facts: Any, where: str) -> Facts:
    """Return the facts of an example, through the same door as any others."""
    try:
        return parse_one(json.dumps(facts), (pack.name,))
    except (MalformedError, ValueError, TypeError) as error:
        said = error.en if isinstance(error, MalformedError) else "facts must be plain JSON"
        file, _, line = where.rpartition(":")
        refuse(file, int(line), f"the facts of this example are malformed: {said.rstrip('.')}", "此示例的事实格式有误")


def _check_examples(pack: Pack) -> None:
    """Refuse an example that names an article the pack does not have, or no fact of the contract."""
    numbers = {article.number for article in pack.articles}
    for article in pack.articles:
        for example in article.examples:
            _example_facts(pack, example.facts, example.where)
            if not set(example.articles) <= numbers:
                file, _, line = example.where.rpartition(":")
                refuse(
                    file,
                    int(line),
                    "an example names an article that this pack does not have",
                    "示例提到了本规则包没有的条文",
                )
