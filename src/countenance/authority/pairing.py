"""Pairing: an operator that was handed a code shows that it holds it, and its key is pinned from then on.

A code is used once and ends by itself. Its secret is derived from a key in a file, so the database holds none. An
operator that did not get the answer asks again, with the same code and key, and gets the same answer.
"""

import hashlib
import hmac
import logging
import secrets
from dataclasses import replace
from datetime import timedelta
from typing import Final

from countenance.authority.addresses import check_address
from countenance.authority.office import Office
from countenance.authority.seen import MadeCode
from countenance.authority.watching import follow_parties
from countenance.errors import ConflictError, IntegrityError, LimitError, MalformedError, NotAllowedError, NotFoundError
from countenance.filing.exchange import Kind, Message, Paired, Pairing, message_of, opened, pairing_code, proof, sealed
from countenance.log.notes import SignatureKind, Verifier
from countenance.store.database import Transaction
from countenance.store.register import messages, parties
from countenance.store.register.messages import MessageRow
from countenance.store.register.parties import CodeRow, PartyRow

_log = logging.getLogger("countenance.authority")

CODE_DAYS: Final = 7
#: For so long after a code has ended an operator that used it in time still gets the answer that was lost.
_ANSWERED_AGAIN: Final = timedelta(days=30)
#: So many codes may wait to be used.
CODES_MAX: Final = 500
_SECRET_BYTES: Final = 10
#: What is counted where a pairing is refused.
REFUSED: Final = "pairing"
#: What came in a party's name and was not signed by its key.
FORGED: Final = "message"


def make_code(office: Office, by: str, party_id: str | None = None) -> MadeCode:
    """Make a code, for a new party or for one that has another key now.

    Raises NotFoundError for a party that is not there, LimitError where too many wait.
    """
    at = office.clock()
    row = CodeRow(secrets.token_hex(16), at, by, at + timedelta(days=CODE_DAYS), party_id)
    with office.database.transaction() as tx:
        if party_id is not None and parties.find(tx, party_id) is None:
            raise NotFoundError("There is no such party.", "没有该备案主体。")
        if sum(each.used_by is None for each in parties.codes(tx, at)) >= CODES_MAX:
            raise LimitError("Too many pairing codes wait to be used. Try again later.", "待用配对码过多。请稍后再试。")
        parties.add_code(tx, row)
    code = pairing_code(_secret(office, row.code_id), office.signer.verifier.as_vkey())
    return MadeCode(code, row.expires_at, party_id)


def pair(office: Office, note: bytes) -> bytes:
    """Take an operator's note that pairs, and return the authority's signed answer.

    Raises MalformedError for what is no such note, NotAllowedError without a code that stands, ConflictError where
    another party has a key or a log of that name.
    """
    message = message_of(note)
    if message.kind is not Kind.PAIR:
        raise MalformedError("This is not a message that pairs.", "这不是配对消息。")
    asked: Pairing = message.says()
    verifier = Verifier.of_vkey(asked.vkey)
    if verifier.kind is not SignatureKind.ED25519:
        raise MalformedError("The operator's key is of type 1 (Ed25519).", "运营者公钥应为类型 1（Ed25519）。")
    try:
        opened(note, verifier, office.name)
    except IntegrityError as error:
        raise refused(office, verifier.name) from error
    if asked.log is not None:
        Verifier.of_vkey(asked.log.vkey)
        check_address(asked.log.url, private=office.private_logs)
    with office.database.transaction() as tx:
        code = _code(office, tx, asked)
        party = None if code is None else _party(office, tx, code, asked, verifier)
        if code is not None and party is not None and code.used_by is None:
            _keep(office, tx, code, party, message, note)
    if party is None:
        raise refused(office, verifier.name)
    body = Paired(party=party.party_id)
    follow_parties(office.database, office.witness)
    return sealed(Message.of(Kind.PAIRED, office.name, verifier.name, party.paired_at, body), office.signer)


def refused(office: Office, key_name: str, kind: str = REFUSED) -> NotAllowedError:
    """Count what is refused, and return why: alike for every reason that a stranger could try out."""
    at, forged = office.clock(), kind == FORGED
    _log.warning("refused", extra={"kind": kind})
    with office.database.transaction() as tx:
        parties.count_refused(tx, key_name if forged else None, kind, office.day(at), at)
    if kind == REFUSED:
        return NotAllowedError(
            "This pairing code is unknown, used or has ended. Ask the authority for a new one.",
            "配对码无效、已使用或已过期。请向主管部门重新索取。",
        )
    return NotAllowedError(
        "The message is not signed by a key that is paired here, or is too old. Check key and clock, or pair again.",
        "消息未由已配对的密钥签名，或已过时。请检查密钥与时钟，或重新配对。",
    )


def _secret(office: Office, code_id: str) -> bytes:
    return hmac.digest(office.codes_key, code_id.encode(), "sha256")[:_SECRET_BYTES]


def _code(office: Office, tx: Transaction, asked: Pairing) -> CodeRow | None:
    """Return the code that a proof was made with, held until the transaction ends."""
    ours = office.signer.verifier.as_vkey()
    found = None
    for row in parties.codes(tx, office.clock() - _ANSWERED_AGAIN):
        made = proof(_secret(office, row.code_id), asked.vkey, ours)
        if hmac.compare_digest(made, asked.proof):
            found = row
    return None if found is None else parties.hold_code(tx, found.code_id)


def _party(office: Office, tx: Transaction, code: CodeRow, asked: Pairing, verifier: Verifier) -> PartyRow | None:
    """Return the party that a code makes of whoever shows it, or made; None where it stands no longer."""
    if code.used_by is not None:
        party = parties.find(tx, code.used_by)
        again = party is not None and code.used_vkey == asked.vkey == party.vkey
        return party if again else None
    at = office.clock()
    if code.expires_at <= at:
        return None
    named = parties.named(tx, verifier.name, lock=True)
    before = named if code.for_party is None else parties.find(tx, code.for_party, lock=True)
    if named is not None and (before != named or (code.for_party is None and named.vkey != asked.vkey)):
        raise ConflictError(
            "Another party has a key of this name. Name the key otherwise, or ask for a code for this party.",
            "已有主体使用同名密钥。请更改密钥名称，或为该主体索取配对码。",
        )
    made = PartyRow(
        party_id=f"p{secrets.token_hex(6)}",
        key_name=verifier.name,
        vkey=asked.vkey,
        organisation=asked.organisation.model_dump(mode="json"),
        group_name=asked.organisation.group,
        log_vkey=None if asked.log is None else Verifier.of_vkey(asked.log.vkey).as_vkey(),
        log_url=None if asked.log is None else asked.log.url,
        paired_at=at,
    )
    if before is not None:  # what a clerk said of its group stands
        made = replace(made, party_id=before.party_id, group_name=before.group_name or made.group_name)
    only_one_log(tx, made)
    return made


def only_one_log(tx: Transaction, made: PartyRow) -> None:
    """Raise ConflictError where a party names a log that is another's; nobody else names one until the end."""
    if made.log_vkey is None:
        return
    origin = Verifier.of_vkey(made.log_vkey).name
    parties.hold_logs(tx)
    for other in parties.every(tx):
        same = other.log_vkey is not None and Verifier.of_vkey(other.log_vkey).name == origin
        if same and other.party_id != made.party_id:
            raise ConflictError("Another party has a log of this name.", "已有主体使用同名日志。")


def _keep(office: Office, tx: Transaction, code: CodeRow, party: PartyRow, message: Message, note: bytes) -> None:
    """Pin the key, use the code up, and keep the note as what the party said first."""
    at = office.clock()
    parties.write(tx, party)
    parties.use_code(tx, code.code_id, party.party_id, party.vkey, at)
    digest = hashlib.sha256(message.as_text().encode()).digest()
    if messages.find(tx, party.party_id, digest) is None:
        kept = MessageRow(party.party_id, digest, False, Kind.PAIR.value, message.at, at, at, note)  # noqa: FBT003
        messages.add(tx, kept)
