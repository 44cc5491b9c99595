"""The inbox: takes what operators send, each message once, with everything that belongs to it, whatever is cut off.

A message is known by the digest of its text. Sent again it does nothing more and gets the same receipt; a receipt says
which files are missing, and the message has its effect with the last of them.
"""

import logging
from datetime import timedelta
from typing import Any, Final

from countenance.authority.attachments import Draft, not_named, too_large
from countenance.authority.filed import TAKEN, look, take_effect
from countenance.authority.office import TROUBLE, Office
from countenance.authority.pairing import FORGED, refused
from countenance.errors import ConflictError, IntegrityError, LimitError, MalformedError
from countenance.filing.exchange import (
    FRESH_SECONDS,
    Collect,
    Kind,
    Message,
    Receipt,
    message_of,
    opened,
    sealed,
)
from countenance.log.notes import Verifier
from countenance.store.database import Transaction
from countenance.store.register import messages, parties
from countenance.store.register.messages import AttachedRow, MessageRow
from countenance.store.register.parties import PartyRow

_log = logging.getLogger("countenance.authority")

#: So many messages of one party may wait for files, and so much may all its files be.
INCOMPLETE_MAX: Final = 8
PARTY_BYTES_MAX: Final = 8 << 30
#: So many messages are handed over at once; whoever collects asks again for more.
COLLECTED_MAX: Final = 16
#: What is counted where something is refused.
STALE = "stale"


def take(office: Office, note: bytes) -> bytes:
    """Take a message and return the receipt; one that came before changes nothing and gets the same receipt.

    Raises MalformedError for what is no message of an operator, NotAllowedError where no pinned key signed it for this
    authority, ConflictError where it speaks of what is not there, LimitError where too much waits.
    """
    message, party = _signed(office, note)
    if message.kind not in TAKEN:
        raise MalformedError("Messages of this kind are not sent here.", "此处不接收该类消息。")
    digest = bytes.fromhex(message.id)
    with office.database.transaction() as tx:
        held = _held(tx, party)
        row = messages.find(tx, held.party_id, digest)
        if row is None:
            look(office, tx, held, message)
            _make_room(tx, held, message)
            row = _add(office, tx, held, message, note)
        files = messages.files_of(tx, held.party_id, [digest])
        if row.complete_at is None and all(each.here for each in files):
            take_effect(office, tx, held, message, row)
            row = messages.find(tx, held.party_id, digest) or row
    return _receipt(office, message, row, [] if row.complete_at else files)


def collect(office: Office, note: bytes) -> dict[str, Any]:
    """Return what the authority has sent an operator after a number, by a note signed a moment ago.

    Raises NotAllowedError for a note that no pinned key signed or that is too old, MalformedError for another kind.
    """
    message, party = _signed(office, note)
    if message.kind is not Kind.COLLECT:
        raise MalformedError("This is not a message that collects.", "这不是领取消息。")
    asked: Collect = message.says()
    if abs(office.clock() - message.at) > timedelta(seconds=FRESH_SECONDS):
        raise refused(office, party.key_name, STALE)
    with office.database.transaction() as tx:
        found = messages.after(tx, party.party_id, asked.after, COLLECTED_MAX + 1)
    sent = [{"number": each.number, "note": each.note.decode()} for each in found[:COLLECTED_MAX]]
    return {"messages": sent, "more": len(found) > COLLECTED_MAX}


def begin(office: Office, sha256: str, declared: int | None) -> Draft:
    """Begin to take a file that some message waits for; its length may be declared.

    Raises NotFoundError where none waits for it, LimitError where it is declared longer than the message says; nothing
    of it has to be read for that.
    """
    digest = bytes.fromhex(sha256)
    with office.database.transaction() as tx:
        sizes = {each.size for each in messages.waiting_for(tx, digest) if not each.here}
    if not sizes:
        raise not_named()
    if declared is not None and declared not in sizes:
        raise too_large() if declared > max(sizes) else _another_length()
    return office.files.begin(digest, max(sizes))


def finish(office: Office, sha256: str, draft: Draft) -> None:
    """Keep a file that has come whole, and let the messages that waited for it alone have their effect.

    Of several parties that named it each has it for itself; what fails for one stays as it was, and is logged. Raises
    MalformedError where it is not the file that was named, and what failed where it failed for all.
    """
    digest, size = bytes.fromhex(sha256), draft.keep()
    with office.database.transaction() as tx:
        waiting = [each for each in messages.waiting_for(tx, digest) if each.size == size]
    named: dict[str, list[bytes]] = {}
    for each in waiting:
        named.setdefault(each.party_id, []).append(each.message_id)
    failed = []
    for party_id, message_ids in sorted(named.items()):
        try:
            _finish(office, party_id, digest, size, message_ids)
        except TROUBLE as error:
            _log.error("not_taken", extra={"party": party_id, "kind": type(error).__name__})
            failed.append(error)
    if failed and len(failed) == len(named):
        raise failed[0]


def _finish(office: Office, party_id: str, digest: bytes, size: int, message_ids: list[bytes]) -> None:
    """Keep that a file came from a party, and let its messages have their effect, in one transaction."""
    with office.database.transaction() as tx:
        party = parties.find(tx, party_id, lock=True)
        if party is None:
            return
        messages.keep(tx, party_id, digest, size, office.clock())
        for message_id in sorted(set(message_ids)):
            _complete(office, tx, party, message_id)


def _complete(office: Office, tx: Transaction, party: PartyRow, message_id: bytes) -> None:
    """Let a message have its effect if nothing of it is missing now."""
    row = messages.find(tx, party.party_id, message_id)
    files = messages.files_of(tx, party.party_id, [message_id])
    if row is not None and row.complete_at is None and all(each.here for each in files):
        take_effect(office, tx, party, message_of(row.note), row)


def _signed(office: Office, note: bytes) -> tuple[Message, PartyRow]:
    """Return a message that a pinned key signed for this authority, and whose key that is."""
    message = message_of(note)
    with office.database.transaction() as tx:
        party = parties.named(tx, message.sender)
    if party is not None:
        try:
            return opened(note, Verifier.of_vkey(party.vkey), office.name), party
        except IntegrityError as error:
            raise refused(office, message.sender, FORGED) from error
    raise refused(office, message.sender, FORGED)


def _held(tx: Transaction, party: PartyRow) -> PartyRow:
    """Return a party as it is now, held until the transaction ends; its key may have changed in between."""
    held = parties.find(tx, party.party_id, lock=True)
    if held is None or held.vkey != party.vkey:
        raise _changed()
    return held


def _make_room(tx: Transaction, party: PartyRow, message: Message) -> None:
    """Raise LimitError where too much of a party waits or is kept already."""
    if not message.attachments:
        return
    if messages.incomplete(tx, party.party_id) >= INCOMPLETE_MAX:
        raise LimitError(
            "Too many messages wait for their files. Send those files first.",
            "等待附件的消息过多。请先发送其附件。",
            limit="rate",
        )
    if messages.bytes_of(tx, party.party_id) + sum(each.size for each in message.attachments) > PARTY_BYTES_MAX:
        raise LimitError(
            "There is no room for more files of this operator. Ask the authority.",
            "该运营者的附件空间已满。请联系主管部门。",
        )


def _add(office: Office, tx: Transaction, party: PartyRow, message: Message, note: bytes) -> MessageRow:
    digest = bytes.fromhex(message.id)
    row = MessageRow(
        party_id=party.party_id,
        message_id=digest,
        ours=False,
        kind=message.kind.value,
        at=message.at,
        received_at=office.clock(),
        complete_at=None,
        note=note,
    )
    files = [
        AttachedRow(party.party_id, digest, place, each.name, each.media_type, each.size, bytes.fromhex(each.sha256))
        for place, each in enumerate(message.attachments)
    ]
    return messages.add(tx, row, files)


def _receipt(office: Office, message: Message, row: MessageRow, files: list[AttachedRow]) -> bytes:
    """Return the receipt: signed over nothing but what is on file, so that it is the same whenever it is made."""
    missing = tuple(dict.fromkeys(each.sha256.hex() for each in files if not each.here))
    body = Receipt(of=message.id, received_at=row.received_at.isoformat(), missing=missing)
    at = row.complete_at or row.received_at
    return sealed(Message.of(Kind.RECEIPT, office.name, message.sender, at, body), office.signer)


def _another_length() -> MalformedError:
    return MalformedError(
        "The file has another length than the message says. Send the file that the message names.",
        "文件长度与消息所列不符。请发送消息所列文件。",
    )


def _changed() -> ConflictError:
    return ConflictError(
        "The operator's key changed in this moment. Send the message again, signed with the new key.",
        "运营者密钥刚刚变更。请用新密钥签名后重新发送。",
    )
