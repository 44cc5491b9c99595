"""What everything at an authority works with: its database, its keys, its files, its packs of law and its clock."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from countenance.authority.attachments import Files
from countenance.authority.witness import Witness
from countenance.errors import CountenanceError
from countenance.filing.exchange import Kind, Message, sealed
from countenance.filing.lines import Line, line_of
from countenance.law.pack import Packs
from countenance.log.notes import Signer
from countenance.store.database import Database, Transaction
from countenance.store.register import messages
from countenance.store.register.messages import MessageRow
from countenance.store.register.parties import PartyRow
from countenance.vault.keys import FIRST, FileKeys

#: Days and deadlines are those of the place where the law is.
PLACE: Final = ZoneInfo("Asia/Shanghai")
#: What may go wrong with one party and must not end what is done for the others.
TROUBLE: Final = (
    CountenanceError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError, RuntimeError, OSError,
)  # fmt: skip
_SIGNING: Final = "exchange"
_CODES: Final = "pairing-codes"


@dataclass(frozen=True, slots=True)
class Office:
    """An authority, open. `private_logs`: operators' logs may lie on this machine or in a private network."""

    database: Database
    signer: Signer
    codes_key: bytes = field(repr=False)
    group_keys: FileKeys = field(repr=False)
    files: Files
    witness: Witness
    packs: Packs
    clock: Callable[[], datetime]
    private_logs: bool = False

    @property
    def name(self) -> str:
        """Return the name of the authority's key, under which messages are for it."""
        return self.signer.verifier.name

    def day(self, at: datetime) -> date:
        """Return the day of an instant where the law is."""
        return at.astimezone(PLACE).date()

    def line(self, pack: str, day: date) -> Line | None:
        """Return where a pack's duty to file begins on a day, None for a pack that is not known here or has none."""
        found = next((each for each in self.packs if each.name == pack), None)
        return None if found is None else line_of(found, day)

    def say(
        self, tx: Transaction, party: PartyRow, kind: Kind, body: object, *, by: str, case_id: int | None = None
    ) -> MessageRow:
        """Sign a message to a party, which the caller holds, and keep it until it is collected."""
        at = self.clock()
        message = Message.of(kind, self.name, party.key_name, at, body)  # type: ignore[arg-type]
        row = MessageRow(
            party_id=party.party_id,
            message_id=bytes.fromhex(message.id),
            ours=True,
            kind=kind.value,
            at=at,
            received_at=at,
            complete_at=at,
            note=sealed(message, self.signer),
            by=by,
            case_id=case_id,
        )
        return messages.add(tx, row)


def signer(keys: FileKeys, name: str) -> Signer:
    """Return the authority's signing key, made the first time; raises what `FileKeys` raises."""
    seed = _opened(keys, _SIGNING)
    made = Signer(name, seed)
    seed[:] = bytes(len(seed))
    return made


def codes_key(keys: FileKeys) -> bytes:
    """Return the key from which the secrets of pairing codes are derived, made the first time."""
    return bytes(_opened(keys, _CODES))


def _opened(keys: FileKeys, holder: str) -> bytearray:
    if FIRST not in keys.generations(holder):
        keys.create(holder)
    return keys.open(holder)
