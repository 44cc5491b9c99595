"""Submit: prepare what goes to the authority, whole and signed, in one transaction; delivering it comes after.

What is prepared waits until it has arrived: without a network, with the authority down, across a restart.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable
from typing import Any, Final

from countenance.answer import Text
from countenance.errors import ConflictError, CountenanceError, NotFoundError
from countenance.filing import exchange as wire
from countenance.filing import sketches
from countenance.filing.duty import FilingReport, reports
from countenance.filing.exchange import Attachment, Kind, Message
from countenance.filing.snapshot import taken
from countenance.filing.statement import lower, statement
from countenance.log.notes import Verifier
from countenance.operations.correspond import Correspondence, log_of
from countenance.operations.counting import state as on_record
from countenance.operations.package import package
from countenance.record import Entry, append
from countenance.store import exchanges, identifiers, persons, records, sites
from countenance.store.database import Transaction
from countenance.store.exchanges import AuthorityRow
from countenance.store.gathering import PLACE
from countenance.vocabulary import FilingKind, Language

_PACKAGE, _ZIP = "package.zip", "application/zip"
_DOCX, _DEVICES = ".docx", "devices.json"
_TYPES: Final = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "json": "application/json",
}
#: A note has room for so many devices; more travel beside it.
_DEVICES_IN_NOTE: Final = 50
_SKETCH: Final = "application/octet-stream"


def file(
    co: Correspondence,
    operator_id: str,
    pack: str,
    act: FilingKind | None = None,
    *,
    by: str = "console",
    amends: str | None = None,
    languages: Iterable[Language] = tuple(Language),
) -> str:
    """Prepare a filing under a pack with all its documents, and return the id of the message.

    Without `act` it is what is due, or the first filing where nothing is. Raises NotFoundError without an authority,
    and ConflictError where the same act waits to be sent already.
    """
    at = co.clock()
    with co.sources.database.snapshot() as tx:
        authority = _authority(tx, operator_id)
        report = next((each for each in reports(tx, co.sources.packs, operator_id, at) if each.pack == pack), None)
        chosen = _chosen(report, act, amends)
        devices = _public_devices(tx, operator_id)
        listed = json.dumps([each.model_dump(mode="json") for each in devices], ensure_ascii=False).encode()
        aside = len(devices) > _DEVICES_IN_NOTE
        body = wire.made(
            wire.Filing,
            act=chosen,
            pack=pack,
            cause=None if report is None or report.cause is None else report.cause.value,
            raised_on=None if report is None or report.raised_on is None else report.raised_on.isoformat(),
            deadline=_last_day(report),
            persons=_persons(tx, operator_id),
            snapshot=taken(tx, operator_id),
            devices=() if aside else devices,
            devices_file=hashlib.sha256(listed).hexdigest() if aside else None,
            amends=amends,
        )
    archive = package(co.sources, operator_id, pack, chosen, at, tuple(languages))
    files = {_PACKAGE: archive, **({_DEVICES: listed} if aside else {}), **_readable(archive)}
    enclosed = [wire.attachment(name, _type_of(name), content) for name, content in files.items()]

    def unless_waiting(tx: Transaction) -> None:
        for each in exchanges.waiting(tx, operator_id):
            before = wire.message_of(each.note)
            if before.kind is Kind.FILING and before.says().pack == pack and before.says().act is chosen:
                raise ConflictError(
                    "This filing is prepared already and waits to be sent. See: countenance filing messages",
                    "该备案已准备完毕，正等待发送。请查看：countenance filing messages",
                )

    message = _message(co, operator_id, authority, Kind.FILING, body, enclosed)
    contents = {each.sha256: files[each.name] for each in enclosed}
    return _keep(co, operator_id, message, contents, by=by, first=unless_waiting)


def _chosen(report: FilingReport | None, act: FilingKind | None, amends: str | None) -> FilingKind:
    """Return what is filed: what was said, else what is due; raises ConflictError for what cannot be filed now."""
    filed = report is not None and report.filed_on is not None
    demanded = None if report is None else report.demands
    chosen = act or demanded or (None if filed else FilingKind.FIRST)
    if chosen is None or (chosen is FilingKind.FIRST and filed and amends is None):
        raise ConflictError(
            "This is filed, and nothing is due. Say what is to be filed: --act change or deregistration, or --amends.",
            "已备案，且无待办事项。请指明提交内容：--act change 或 deregistration，或 --amends。",
        )
    if chosen is not FilingKind.FIRST and not filed:
        raise ConflictError(
            "Nothing is filed yet that could be changed or deregistered. File for the first time.",
            "尚无可变更或注销的备案。请先办理首次备案。",
        )
    return chosen


def _last_day(report: FilingReport | None) -> str | None:
    return None if report is None or report.deadline is None else report.deadline.day.isoformat()


def _readable(archive: bytes) -> dict[str, bytes]:
    """Return the documents that a clerk opens, beside the archive that holds everything; as many as a message takes.

    An attachment has no folders: its name has them in words.
    """
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        names = [info.filename for info in packed.infolist() if info.filename.endswith(_DOCX)]
        return {name.replace("/", " - "): packed.read(name) for name in names[: wire.ATTACHMENTS_MAX - 2]}


def _type_of(name: str) -> str:
    return _TYPES.get(name.rpartition(".")[2], _ZIP)


def _persons(tx: Transaction, operator_id: str) -> wire.Persons:
    now = persons.figures(tx, operator_id)
    least = lower(tx, operator_id, now)
    return wire.Persons(lower=least, upper=now.upper, highest=now.highest, cumulative=now.cumulative)


def _public_devices(tx: Transaction, operator_id: str) -> tuple[wire.PublicDevice, ...]:
    rows = {noun: sites.read(tx, operator_id, noun) for noun in ("venue", "place", "device")}
    venues = {row["venue_id"]: row for row in rows["venue"]}
    places = {row["place_id"]: row for row in rows["place"]}
    found = []
    for row in rows["device"]:
        place = places[row["place_id"]]
        if row["retired"] or not place["public"]:
            continue
        venue = venues[place["venue_id"]]
        where = venue["location"] or {}
        found.append(
            wire.made(
                wire.PublicDevice,
                device=row["device_id"],
                name=row["name"],
                venue=venue["name"],
                venue_kind=venue["kind"],
                place=place["name"],
                division=where.get("division"),
                latitude=where.get("latitude"),
                longitude=where.get("longitude"),
            )
        )
    return tuple(found)


def state(co: Correspondence, operator_id: str, *, by: str = "server") -> str:
    """Prepare the statement of this instant for the authority, and return the id of the message.

    With it goes the record of the day's statement, whose digest is in the log: whoever checks the log from outside sees
    that what was said to the authority is what was said to everybody.
    """
    at = co.clock()
    with co.sources.database.reading() as tx:
        authority = _authority(tx, operator_id)
    record_id = on_record(co.sources.database, co.sources.packs, operator_id, at)
    with co.sources.database.snapshot() as tx:
        said: dict[str, Any] = statement(tx, co.sources.packs, operator_id, at)
        row = records.find(tx, operator_id, record_id)
        said["record"] = None if row is None else row.body.decode()
    message = _message(
        co, operator_id, authority, Kind.STATEMENT, wire.Statement(statement=said, log=log_of(co, operator_id)), []
    )
    return _keep(co, operator_id, message, {}, by=by)


def state_daily(co: Correspondence, operator_id: str) -> None:
    """Prepare the statement of a day once, for an operator that is paired; what keeps it from that the officer sees."""
    today = co.clock().astimezone(PLACE).date()
    with co.sources.database.reading() as tx:
        if exchanges.authority(tx, operator_id) is None:
            return
        newest = exchanges.newest(tx, operator_id, Kind.STATEMENT)
    if newest is not None and newest.astimezone(PLACE).date() >= today:
        return
    try:
        state(co, operator_id)
    except CountenanceError as error:
        with co.sources.database.transaction() as tx:
            exchanges.trouble(tx, operator_id, Text(error.en, error.zh))
        raise


def signed_statement(co: Correspondence, operator_id: str) -> bytes:
    """Return the statement of this instant as a signed note, for whoever asks for one; nothing is kept of it."""
    at, signer = co.clock(), co.signer(operator_id)
    with co.sources.database.snapshot() as tx:
        said = statement(tx, co.sources.packs, operator_id, at)
    body = wire.Statement(statement=said)
    return wire.sealed(Message.of(Kind.STATEMENT, signer.verifier.name, "public", at, body), signer)


def answer(co: Correspondence, operator_id: str, to: str, text: str, *, by: str = "console") -> str:
    """Prepare an answer to what the authority asked, and return the id of the message.

    Raises NotFoundError where the authority sent nothing of this id.
    """
    with co.sources.database.reading() as tx:
        authority = _authority(tx, operator_id)
        asked = exchanges.find(tx, operator_id, _digest(to))
    if asked is None or asked.outgoing:
        raise NotFoundError("The authority asked nothing of this id.", "主管部门没有该编号的提问。")
    body = wire.made(wire.Reply, to=to, text=text)
    return _keep(co, operator_id, _message(co, operator_id, authority, Kind.ANSWER, body, []), {}, by=by)


def _digest(written: str) -> bytes:
    try:
        return bytes.fromhex(written)
    except ValueError:
        raise NotFoundError("The authority asked nothing of this id.", "主管部门没有该编号的提问。") from None


def share(co: Correspondence, operator_id: str, group: str, *, by: str = "console") -> str:
    """Prepare the operator's sketch for its group, under the key that the authority sent, and return the message's id.

    No identifier leaves the server, nor a list of hashes: docs/concepts/groups.md says what a sketch shows to whoever
    has the key. Raises NotFoundError without the group's key.
    """
    with co.sources.database.snapshot() as tx:
        authority = _authority(tx, operator_id)
        held = exchanges.find_group_key(tx, operator_id, group)
        if held is None:
            raise NotFoundError("The authority has sent no key for this group.", "主管部门未发送该集团的密钥。")
        key = bytearray(co.vault(operator_id).open_secret(f"group {group}", held[1]))
        try:
            made = sketches.make(map(_known, identifiers.stored(tx, operator_id)), key)
        finally:
            key[:] = bytes(len(key))
        number = persons.figures(tx, operator_id).persons
    content = made.to_bytes()
    enclosed = wire.attachment(f"{operator_id}.sketch", _SKETCH, content)
    body = wire.Share(group=group, key_id=held[0], persons=number)
    message = _message(co, operator_id, authority, Kind.SHARE, body, [enclosed])
    return _keep(co, operator_id, message, {enclosed.sha256: content}, by=by)


def _known(ref: str | None) -> str:
    if ref is None:
        raise ConflictError(
            "Something is stored of a person for whom no identifier is on file, so the sketch would be too small. Hand "
            "one over from the system that knows them: countenance filing sketch",
            "有人留有存储数据但无标识，统计草图将偏小。请用掌握其身份的系统生成：countenance filing sketch",
        )
    return ref


def _authority(tx: Transaction, operator_id: str) -> AuthorityRow:
    found = exchanges.authority(tx, operator_id)
    if found is None:
        raise NotFoundError(
            "This operator is paired with no authority. Ask it for a code: countenance filing pair URL CODE",
            "该运营者未与主管部门配对。请索取配对码：countenance filing pair URL CODE",
        )
    return found


def _message(
    co: Correspondence, operator_id: str, authority: AuthorityRow, kind: Kind, body: Any, files: Iterable[Attachment]
) -> Message:
    sender, recipient = co.signer(operator_id).verifier.name, Verifier.of_vkey(authority.vkey).name
    return Message.of(kind, sender, recipient, co.clock(), body, *files)


def _keep(
    co: Correspondence,
    operator_id: str,
    message: Message,
    files: dict[str, bytes],
    *,
    by: str,
    first: Callable[[Transaction], None] = lambda _: None,
) -> str:
    """Keep a message to be delivered, on record, and return its id."""
    note, at = wire.sealed(message, co.signer(operator_id)), co.clock()
    with co.sources.database.transaction() as tx:
        exchanges.authority(tx, operator_id, lock=True)
        first(tx)
        fresh = exchanges.add(
            tx, operator_id, message_id=bytes.fromhex(message.id), outgoing=True, kind=message.kind.value, at=at,
            note=note, about=None, files=files,
        )  # fmt: skip
        if not fresh:
            raise ConflictError("This very message is prepared already.", "该消息已准备完毕。")
        said = {"message": message.id, "kind": message.kind.value}
        entry = Entry(operator_id=operator_id, at=at, kind="exchange", outcome="prepared", by=by, details=said)
        append(tx, entry)
    return message.id
