"""Correspond: pair with an authority, deliver what waits for it, and collect what it says; signed, both ways.

Whatever is cut off goes on from where it was: a message is the same however often it is sent, and has its effect here
only when the authority has receipted all of it.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from countenance.answer import Text
from countenance.errors import (
    ConflictError,
    CountenanceError,
    IntegrityError,
    MalformedError,
    NotAllowedError,
    NotFoundError,
    UnavailableError,
)
from countenance.filing import exchange as wire
from countenance.filing.changes import Sent, keep_act
from countenance.filing.exchange import Kind, Message
from countenance.log.notes import NOTE_BYTES_MAX, Signer, Verifier
from countenance.log.witnesses import Remote, Reply
from countenance.operations.dossier import Sources
from countenance.record import Entry, append
from countenance.store import exchanges, filings, logged, sites
from countenance.store.database import Transaction
from countenance.store.exchanges import AuthorityRow, ExchangedRow
from countenance.vault.keyring import wipe
from countenance.vault.keys import FIRST, FileKeys
from countenance.vault.sealing import Vault
from countenance.vocabulary import FilingKind

_PAIRED_ANEW: Final = Text(
    "It was signed for the pairing before this one. Prepare it anew.", "该消息签于此前的配对。请重新准备。"
)
#: One question takes no longer; a file may take a while.
SECONDS_MAX: Final = 60.0
_COLLECTED_BYTES_MAX: Final = 64 * NOTE_BYTES_MAX
_OK: Final = range(200, 300)
#: Sent again unchanged, these are answered the same.
_FOR_GOOD: Final = (400, 409, 413)
_NOT_KNOWN: Final = 403
_NOT_WAITED_FOR: Final = 404
_NUMBER_MAX: Final = 2**63
#: So often a receipt is looked at: once for what is missing, once when it was sent, and once more for a race.
_ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class Correspondence:
    """What corresponding takes: everything documents are made of, and the vault in which a group's key is sealed."""

    sources: Sources
    vault: Callable[[str], Vault]
    clock: Callable[[], datetime]

    def signer(self, operator_id: str) -> Signer:
        """Return who signs for an operator; its key is made when it is asked for first, and lies apart from others."""
        settings = self.sources.settings
        keys = FileKeys(settings.filing_keys_dir or settings.data_dir / "filing-keys")
        if FIRST not in keys.generations(operator_id):
            keys.create(operator_id)
        seed = keys.open(operator_id, FIRST)
        try:
            return Signer(f"{self.sources.logs.name}/filing/{operator_id}", seed)
        finally:
            wipe(seed)


@contextmanager
def _remote(url: str) -> Iterator[Remote]:
    remote = Remote(url, seconds_max=SECONDS_MAX)
    try:
        yield remote
    finally:
        remote.close()


def pair(co: Correspondence, operator_id: str, url: str, code: str) -> AuthorityRow:
    """Pair an operator with the authority at an address, by the code that it handed over.

    Raises MalformedError for what is no code or no address, IntegrityError where the key there is not the one that the
    code names, NotAllowedError where the authority does not take the code, NotFoundError for an operator that is not on
    file, and what else the authority refuses by.
    """
    secret, pinned = wire.read_code(code)
    signer, at = co.signer(operator_id), co.clock()
    with _remote(url) as remote:
        vkey = _taken(remote.ask("GET", wire.KEY)).decode("utf-8", "replace").strip()
        if wire.fingerprint(vkey) != pinned:
            raise IntegrityError(
                "The key at this address is not the one that the code names. Check the address; somebody may stand in "
                "between. Nothing was sent.",
                "该地址的公钥与配对码不符。请检查地址，可能有人冒充。未发送任何内容。",
            )
        authority = Verifier.of_vkey(vkey)
        body = wire.Pairing(
            proof=wire.proof(secret, signer.verifier.as_vkey(), vkey),
            vkey=signer.verifier.as_vkey(),
            organisation=_organisation(co, operator_id),
            log=log_of(co, operator_id),
        )
        message = Message.of(Kind.PAIR, signer.verifier.name, authority.name, at, body)
        reply = remote.ask("POST", wire.PAIR, wire.sealed(message, signer))
        if reply.status == _NOT_KNOWN:
            raise NotAllowedError(
                "The authority does not take this code: it was used or has run out, or the clocks differ. Get another.",
                "主管部门不接受该配对码：已使用、已过期，或时钟不一致。请重新索取。",
            )
        note = _taken(reply)
    paired = wire.opened(note, authority, signer.verifier.name)
    if paired.kind is not Kind.PAIRED:
        raise _nonsense()
    row = AuthorityRow(url.rstrip("/"), vkey, signer.verifier.as_vkey(), paired.says().party, at)
    with co.sources.database.transaction() as tx:
        before = exchanges.authority(tx, operator_id, lock=True)
        exchanges.pair(tx, operator_id, row)
        if before is not None and (before.vkey, before.signs_by) != (row.vkey, row.signs_by):
            for each in exchanges.waiting(tx, operator_id):  # written by another key, or to another authority
                exchanges.refuse(tx, operator_id, each.message_id, _PAIRED_ANEW)
                _record(tx, operator_id, at, "refused", {"message": each.message_id.hex(), "kind": each.kind})
        said = {"authority": authority.name, "party": row.party}
        _record(tx, operator_id, at, "paired", said)
    return row


def _organisation(co: Correspondence, operator_id: str) -> wire.Organisation:
    with co.sources.database.reading() as tx:
        row = next(iter(sites.read(tx, operator_id, "operator")), None)
    if row is None:
        raise NotFoundError("There is no such operator.", "没有该运营者。")
    return wire.made(
        wire.Organisation,
        id=operator_id,
        name=row["name"],
        contact=row["contact"],
        officer=row["officer"],
        officer_contact=row["officer_contact"],
        credit_code=row["credit_code"],
        group=row["group_name"],
    )


def log_of(co: Correspondence, operator_id: str) -> wire.LogAddress | None:
    """Return where the operator's log is, None before its first entry is signed."""
    with co.sources.database.reading() as tx:
        row = logged.newest(tx, operator_id)
    if row is None or co.sources.logs.published(row) is None:
        return None
    url = f"{co.sources.settings.public_url.rstrip('/')}/log/{operator_id}/{row.generation}"
    return wire.LogAddress(vkey=co.sources.logs.verifier(row).as_vkey(), url=url)


def exchange(co: Correspondence, operator_id: str) -> tuple[int, int]:
    """Deliver what waits and collect what came; return how many of each. Nothing is done where there is no authority.

    What keeps it from being done is noted for whoever looks, and raised: UnavailableError where the authority does not
    answer, IntegrityError where an answer is not signed by its key.
    """
    with co.sources.database.reading() as tx:
        authority = exchanges.authority(tx, operator_id)
    if authority is None:
        return 0, 0
    try:
        with _remote(authority.url) as remote:
            link = _Link(co, operator_id, authority, remote)
            done = link.deliver(), link.collect()
    except CountenanceError as error:
        with co.sources.database.transaction() as tx:
            exchanges.trouble(tx, operator_id, Text(error.en, error.zh))
        raise
    with co.sources.database.transaction() as tx:
        exchanges.change(tx, operator_id, trouble=None, heard_at=co.clock())
    return done


class _Link:
    """One conversation with an authority over one connection."""

    def __init__(self, co: Correspondence, operator_id: str, row: AuthorityRow, remote: Remote) -> None:
        self._co = co
        self._operator_id = operator_id
        self._row = row
        self._remote = remote
        self._verifier = Verifier.of_vkey(row.vkey)
        self._signer = co.signer(operator_id)
        if self._signer.verifier.as_vkey() != row.signs_by:
            raise UnavailableError(
                "The key that signs here is not the one that was paired. Put it back from its backup (filing-keys), or "
                "pair again.",
                "此处的签名密钥与配对时不同。请从备份恢复（filing-keys），或重新配对。",
            )

    def deliver(self) -> int:
        """Deliver what waits, in its order; what the authority will never take is set aside, with its reason."""
        with self._co.sources.database.reading() as tx:
            waiting = exchanges.waiting(tx, self._operator_id)
        delivered, unknown = 0, None
        for each in waiting:
            try:
                receipt = self._delivered(each)
            except (MalformedError, ConflictError) as error:
                self._set_aside(each, error)
            except NotAllowedError as error:  # of this message; it holds up no other
                unknown = error
            else:
                self._arrived(each, receipt)
                delivered += 1
        if unknown is not None:
            raise unknown
        return delivered

    def _delivered(self, row: ExchangedRow) -> wire.Receipt:
        """Send one message and what it encloses until the authority misses nothing; return the receipt."""
        for _ in range(_ROUNDS):
            receipt = self._receipt(row)
            if not receipt.missing:
                return receipt
            for digest in receipt.missing:
                self._attach(row, digest)
        raise UnavailableError("The authority still misses files. It is tried again.", "附件尚未送达，将重试。")

    def _attach(self, row: ExchangedRow, digest: str) -> None:
        """Send a file that the authority misses; one it no longer waits for was sent by another process meanwhile."""
        with self._co.sources.database.reading() as tx:
            content = exchanges.content(tx, self._operator_id, row.message_id, digest)
            held = exchanges.find(tx, self._operator_id, row.message_id)
        if content is None:
            if held is not None and not held.waits:
                return
            raise ConflictError(
                "The authority asks for a file that is no longer here. Prepare the filing again.",
                "主管部门索取的附件已不存在。请重新准备备案。",
            )
        reply = self._remote.ask("PUT", f"{wire.ATTACHMENTS}/{digest}", content)
        if reply.status != _NOT_WAITED_FOR:
            _taken(reply)

    def _receipt(self, row: ExchangedRow) -> wire.Receipt:
        note = _taken(self._remote.ask("POST", wire.MESSAGES, row.note, bytes_max=NOTE_BYTES_MAX))
        message = wire.opened(note, self._verifier, self._signer.verifier.name)
        if message.kind is not Kind.RECEIPT:
            raise _nonsense()
        receipt: wire.Receipt = message.says()
        if receipt.of != row.message_id.hex():
            raise IntegrityError("The receipt is of another message.", "回执对应另一消息。")
        return receipt

    def _set_aside(self, row: ExchangedRow, error: CountenanceError) -> None:
        at = self._co.clock()
        with self._co.sources.database.transaction() as tx:
            exchanges.refuse(tx, self._operator_id, row.message_id, Text(error.en, error.zh))
            said = {"message": row.message_id.hex(), "kind": row.kind}
            _record(tx, self._operator_id, at, "refused", said)

    def _arrived(self, row: ExchangedRow, receipt: wire.Receipt) -> None:
        """Note that a message has arrived, with its effect: a filing that is receipted is filed on that day."""
        at = self._co.clock()
        try:
            received_at = datetime.fromisoformat(receipt.received_at)
        except ValueError as error:
            raise _nonsense() from error
        with self._co.sources.database.transaction() as tx:
            held = exchanges.find(tx, self._operator_id, row.message_id, lock=True)
            if held is None or not held.waits:
                return  # another process was told of it at the same moment
            exchanges.arrived(tx, self._operator_id, row.message_id, received_at)
            said: dict[str, Any] = {
                "message": row.message_id.hex(),
                "kind": row.kind,
                "received_at": receipt.received_at,
            }
            if row.kind == Kind.FILING:
                filing: wire.Filing = wire.message_of(row.note).says()
                amends = None if filing.amends is None else bytes.fromhex(filing.amends)
                sent = Sent(row.message_id, filing.persons.upper, filing.snapshot, amends)
                keep_act(tx, self._operator_id, filing.pack, filing.act, received_at, sent=sent)
                said |= {"pack": filing.pack, "act": filing.act.value}
            _record(tx, self._operator_id, at, "sent", said)

    def collect(self) -> int:
        """Collect what the authority has sent, in its order and each once."""
        number = 0
        while True:
            came, more = self._page()
            number += came
            if not more:
                return number

    def _page(self) -> tuple[int, bool]:
        with self._co.sources.database.reading() as tx:
            row = exchanges.authority(tx, self._operator_id)
        if row is None or row.vkey != self._row.vkey:
            return 0, False
        at, body = self._co.clock(), wire.Collect(after=row.collected)
        asked = Message.of(Kind.COLLECT, self._signer.verifier.name, self._verifier.name, at, body)
        reply = self._remote.ask("POST", wire.COLLECT, wire.sealed(asked, self._signer), bytes_max=_COLLECTED_BYTES_MAX)
        try:
            page = json.loads(_taken(reply))
            came = [(int(each["number"]), str(each["note"]).encode()) for each in page["messages"]]
            more = bool(page["more"])
        except (ValueError, KeyError, TypeError) as error:
            raise _nonsense() from error
        if not all(0 < number < _NUMBER_MAX for number, _ in came):
            raise _nonsense()
        for number, note in came:
            self._take(number, note)
        return len(came), more and bool(came)

    def _take(self, number: int, note: bytes) -> None:
        """Keep one message of the authority with its effect; one that came before has none."""
        at, recipient = self._co.clock(), wire.message_of(note).recipient
        # What was written to an earlier name of this operator is passed over: its key is not this one.
        for_us = recipient == self._signer.verifier.name
        message = wire.opened(note, self._verifier, recipient)
        says = message.says()
        about = getattr(says, "of", None)
        with self._co.sources.database.transaction() as tx:
            row = exchanges.authority(tx, self._operator_id, lock=True)
            if row is None or number <= row.collected:
                return
            exchanges.change(tx, self._operator_id, collected=number)
            if not for_us:
                return
            secret = message.kind is Kind.GROUP_KEY
            fresh = exchanges.add(
                tx, self._operator_id, message_id=bytes.fromhex(message.id), outgoing=False, kind=message.kind.value,
                at=message.at, note=b"" if secret else note, about=None if about is None else bytes.fromhex(about),
            )  # fmt: skip
            if fresh:
                self._act_on(tx, message, says, at)
                said = {"message": message.id, "kind": message.kind.value}
                _record(tx, self._operator_id, at, "received", said)

    def _act_on(self, tx: Transaction, message: Message, says: Any, at: datetime) -> None:
        if message.kind is Kind.GROUP_KEY:
            sealed = self._co.vault(self._operator_id).seal_secret(f"group {says.group}", bytes.fromhex(says.key))
            exchanges.keep_group_key(tx, self._operator_id, says.group, says.key_id, sealed, at)
        if message.kind not in {Kind.NUMBER, Kind.RETURNED} or says.of is None:
            return
        act = filings.act_of(tx, self._operator_id, bytes.fromhex(says.of))
        if act is None:
            return
        if message.kind is Kind.NUMBER:
            filings.change_act(tx, self._operator_id, act.act_id, number=says.number)
        elif act.kind is not FilingKind.DEREGISTRATION or act.returned_at is None:
            filings.give_back(tx, self._operator_id, act, at)


def _taken(reply: Reply) -> bytes:
    """Return what an authority answered; raises what its refusal means for whoever asked."""
    if reply.status in _OK:
        return reply.body
    why, zh = "", ""
    try:
        said = json.loads(reply.body)
        why, zh = _plain(said["detail"]), _plain(said["detail_zh"])
    except (ValueError, KeyError, TypeError):
        why = zh = str(reply.status)
    if reply.status in _FOR_GOOD:
        kind: type[CountenanceError] = ConflictError if reply.status == 409 else MalformedError  # noqa: PLR2004
        raise kind(f"The authority does not take it: {why}", f"主管部门不予接收：{zh}")
    if reply.status == _NOT_KNOWN:
        raise NotAllowedError(
            "The authority does not know this operator's key, or the clocks differ. Check the clock, or pair again.",
            "主管部门不认可该公钥，或时钟不一致。请检查时钟，或重新配对。",
        )
    raise UnavailableError(f"The authority cannot take it now: {why}", f"主管部门暂时无法接收：{zh}")


def _plain(said: object) -> str:
    """Return what somebody else said, cut, and without what no text holds."""
    return "".join(each for each in str(said)[:300] if each.isprintable())


def _record(tx: Transaction, operator_id: str, at: datetime, outcome: str, said: dict[str, Any]) -> None:
    append(tx, Entry(operator_id=operator_id, at=at, kind="exchange", outcome=outcome, by="server", details=said))


def _nonsense() -> UnavailableError:
    return UnavailableError(
        "The authority answers something that is not of the exchange. Check its address.",
        "主管部门返回的内容不符合交换协议。请检查地址。",
    )
