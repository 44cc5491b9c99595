"""`countenance law replay`: recorded decisions made again under other law, and counted; the evidence a draft needs.

Exit 0 done, 2 an option is malformed, 4 a pack is not known or cannot be loaded, 1 anything else.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Final

import typer

from countenance.cli.bars import bar
from countenance.cli.house import Json, Operator, choose_operator, settings
from countenance.cli.law import NO_PACK, AtOption, configured_packs
from countenance.errors import CountenanceError, MalformedError, NotFoundError
from countenance.facts import parse_instant
from countenance.law import Packs, known_packs, load_packs
from countenance.law.shelf import edition_of

if TYPE_CHECKING:
    from countenance.operations.replay import Balance, Replayed

_DAY_CHARS: Final = len("2023-08-08")
_EDITION: Final = "sha256:"
_DIRECTIONS: Final = {
    "newly_refuses": "newly refuses · 新增拒绝",
    "no_longer_refuses": "no longer refuses · 不再拒绝",
    "forbids_to_missing": "forbids → missing · 由禁止变为缺少事实",
    "missing_to_forbids": "missing → forbids · 由缺少事实变为禁止",
}


def replay_command(
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="From this day, or this RFC 3339 time, on.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="Through this day, or before this RFC 3339 time.")
    ] = None,
    pack: Annotated[
        list[str] | None,
        typer.Option("--pack", metavar="PACK", help="A pack that judges, by id, folder or edition; repeats."),
    ] = None,
    at: AtOption = None,
    operator: Operator = None,
    as_json: Json = False,
) -> None:
    """Make recorded decisions again, under today's packs or others, and count what would come out differently."""
    first, last = _bound("--since", since, whole_day=False), _bound("--until", until, whole_day=True)
    if first is not None and last is not None and last < first:
        raise MalformedError("--until is before --since; exchange them.", "--until 早于 --since，请互换。")
    instant = None if at is None else parse_instant(at, "--at")
    chosen = settings()
    packs, at_hand = _or_no_pack(lambda: _packs(pack))

    from countenance.app import open_database
    from countenance.operations.replay import replay

    with open_database(chosen) as database, bar("Replaying · 重演") as progress:
        operator_id = choose_operator(database, operator)
        done = replay(
            database, operator_id, packs, since=first, until=last, at=instant, at_hand=at_hand, progress=progress
        )
    if as_json:
        asked = {"operator": operator_id, "since": _said(first), "until": _said(last), "at": _said(instant)}
        typer.echo(json.dumps(asked | done.as_json(), ensure_ascii=False, indent=2))
        return
    for line in _lines(done, packs):
        typer.echo(line)


def _bound(option: str, text: str | None, *, whole_day: bool) -> datetime | None:
    """Return an end of the period: an instant, or the first moment of a day where the law applies, or of the next."""
    from countenance.store.gathering import PLACE

    if text is None:
        return None
    if len(text) != _DAY_CHARS:
        return parse_instant(text, option)
    day = parse_instant(f"{text}T00:00:00Z", option).date()
    return datetime.combine(day + timedelta(days=whole_day), time(), PLACE)


def _said(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _or_no_pack(load: Callable[[], tuple[Packs, frozenset[str]]]) -> tuple[Packs, frozenset[str]]:
    try:
        return load()
    except CountenanceError as error:
        typer.echo(f"countenance: {error.en} · {error.zh}", err=True)
        raise typer.Exit(NO_PACK) from None


def _packs(named: list[str] | None) -> tuple[Packs, frozenset[str]]:
    """Return the packs that judge, and the editions that lie on the shelf or are configured."""
    by_edition: dict[str, str] = {}
    for name in (*known_packs(), *configured_packs()):
        with suppress(CountenanceError):  # one that cannot be read is not at hand; it fails below where it is named
            by_edition.setdefault(edition_of(name), name)
    return load_packs(_by_name(named or configured_packs(), by_edition)), frozenset(by_edition)


def _by_name(named: Iterable[str], by_edition: dict[str, str]) -> Iterator[str]:
    for name in named:
        if not name.startswith(_EDITION):
            yield name
        elif name in by_edition:
            yield by_edition[name]
        else:
            raise NotFoundError(
                "No pack at hand has that edition; give the folder that holds it.",
                "现有规则包均非该版本；请给出含该版本的文件夹。",
            )


def _lines(done: "Replayed", packs: Packs) -> Iterator[str]:
    """Yield the report for a person."""
    whole, judging = done.balance, ", ".join(done.packs)
    yield (
        f"{whole.decisions} decisions of {done.records} records made again under {judging}. · "
        f"已按 {judging} 重演 {done.records} 条记录中的 {whole.decisions} 项决定。"
    )
    yield _balance(whole)
    for kind, row in done.venues.items():
        if row.changed:
            yield f"  {kind}: {_balance(row)}"
    titles = {(pack.name, article.number): article.title for pack in packs for article in pack.articles}
    shown: tuple[str | None, str | None] | None = None
    for each in done.turned:
        if (each.pack, each.article) != shown:
            shown = each.pack, each.article
            title = titles.get((each.pack or "", each.article or ""))
            yield _article(*shown) + (f" · {title.en} · {title.zh}" if title else "")
        venues = ", ".join(f"{kind} {number}" for kind, number in each.venues.items())
        direction = _DIRECTIONS.get(each.direction, each.direction.replace("_to_", " → "))
        yield f"  {direction}: {each.decisions} ({venues})"
    yield from _left_out(done)


def _balance(row: "Balance") -> str:
    if not row.changed:
        return "No outcome changes. · 结果均无变化。"
    return (
        f"{row.changed} of {row.decisions} change; permit → refusal {row.permit_to_refusal}, "
        f"refusal → permit {row.refusal_to_permit}. · {row.decisions} 项中 {row.changed} 项有变化；"
        f"许可变拒绝 {row.permit_to_refusal}，拒绝变许可 {row.refusal_to_permit}。"
    )


def _article(pack: str | None, article: str | None) -> str:
    if pack is None:
        return "No pack binds · 无规则包有约束力"
    return f"{pack} article {article}" if article else f"{pack}, as a whole · 整体"


def _left_out(done: "Replayed") -> Iterator[str]:
    """Yield what the counts above do not hold, or hold only in part."""
    if done.refused_by_house:
        yield (
            f"{done.refused_by_house} refused by the server itself too, which stands whatever the law says. · "
            f"{done.refused_by_house} 项同时由服务器自行拒绝，不因法律而改变。"
        )
    if done.unreadable:
        yield (
            f"{done.unreadable} decisions unreadable: not as records hold them now; not counted above. · "
            f"{done.unreadable} 项决定无法读取，未计入以上数字。"
        )
    if done.altered:
        yield (
            f"{done.altered} records altered: they do not agree with their digest; tell the protection officer. · "
            f"{done.altered} 条记录与其摘要不符，请告知保护负责人。"
        )
    for each in done.recorded:
        if not each.at_hand:
            yield (
                f"Not at hand · 现无此版本: {each.pack} {each.edition}, which decided {each.decisions}. · "
                f"曾作出 {each.decisions} 项决定。"
            )
