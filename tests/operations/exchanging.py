"""What tests of the exchange share: an authority over a database of its own, and operators that speak with it."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import create_engine, text

from countenance.authority import inbox, pairing
from countenance.authority.attachments import Files
from countenance.authority.desk import Desk
from countenance.authority.office import Office, codes_key, signer
from countenance.authority.seen import Case
from countenance.authority.watching import open_witness
from countenance.filing.exchange import (
    Attachment,
    Filing,
    Kind,
    LogAddress,
    Message,
    Organisation,
    Pairing,
    Persons,
    PublicDevice,
    Receipt,
    Share,
    Statement,
    attachment,
    opened,
    proof,
    read_code,
    sealed,
)
from countenance.law.pack import Packs
from countenance.law.shelf import load_packs
from countenance.log.notes import Signer, Verifier
from countenance.store.database import Database
from countenance.store.register.tables import REGISTER
from countenance.vault.keys import FileKeys
from countenance.vocabulary import FilingKind

NAME = "authority.example"
CLERK = "Li"
DRAFT, MEASURES = "cn-2023-draft", "cn-2025"
#: The crossing that the regulator's own announcement dates: its thirtieth working day is 14 July 2025.
RAISED, LAST = date(2025, 6, 1), date(2025, 7, 14)
NOW = datetime(2025, 6, 20, 2, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


def _named(postgres: str, name: str) -> str:
    base, _, query = postgres.partition("?")
    return f"{base.rpartition('/')[0]}/{name}?{query}"


@cache
def _template(postgres: str) -> str:
    """Return the name of a database with the register's tables, of which the others are copies."""
    admin = create_engine(postgres, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text('CREATE DATABASE "template_register"'))
    admin.dispose()
    made = Database(_named(postgres, "template_register"), schema=REGISTER)
    made.migrate()
    made.close()
    return "template_register"


@cache
def _packs() -> Packs:
    return load_packs([MEASURES, DRAFT])


@contextmanager
def register_database(postgres: str) -> Iterator[Database]:
    """Yield a database of an authority's own on a server, which is gone afterwards."""
    name, admin = f"a{uuid4().hex[:16]}", create_engine(postgres, isolation_level="AUTOCOMMIT")
    template = _template(postgres)
    with admin.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
    made = Database(_named(postgres, name), schema=REGISTER)
    try:
        yield made
    finally:
        made.close()
        with admin.connect() as connection:
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        admin.dispose()


def make_desk(database: Database, folder: Path, clock: Callable[[], datetime], *, private_logs: bool = True) -> Desk:
    """Return the desk of an authority whose keys and files lie in a folder."""
    keys = FileKeys(folder / "keys")
    office = Office(
        database=database,
        signer=signer(keys, NAME),
        codes_key=codes_key(keys),
        group_keys=FileKeys(folder / "group-keys"),
        files=Files(folder / "attachments"),
        witness=open_witness(folder / "witness", f"{NAME}/witness", clock),
        packs=_packs(),
        clock=clock,
        private_logs=private_logs,
    )
    return Desk(office)


def persons(upper: int, lower: int | None = None, highest: int | None = None) -> Persons:
    low = upper if lower is None else lower
    return Persons(lower=low, upper=upper, highest=max(upper, highest or 0), cumulative=max(upper, highest or 0))


@dataclass
class Operator:
    """An operator's side of the exchange, with its key and the authority's, which it has pinned."""

    name: str = "hotel.example"
    seed: int = 1
    group: str | None = None
    log: LogAddress | None = None
    clock: Callable[[], datetime] = field(default_factory=Clock)
    authority: Verifier | None = field(default=None, repr=False)

    @property
    def signer(self) -> Signer:
        return Signer(self.name, bytes([self.seed]) * 32)

    @property
    def vkey(self) -> str:
        return self.signer.verifier.as_vkey()

    def pairs(self, code: str, authority: Verifier) -> bytes:
        """Return the note by which this operator shows that it holds a code."""
        self.authority = authority
        secret, _ = read_code(code)
        body = Pairing(
            proof=proof(secret, self.vkey, authority.as_vkey()),
            vkey=self.vkey,
            organisation=Organisation(
                id=self.name.partition(".")[0],
                name=f"The {self.name.partition('.')[0].title()}",
                contact="desk@hotel.example",
                officer="Officer Wang",
                officer_contact="wang@hotel.example",
                credit_code="91310000MA1FL00000",
                group=self.group,
            ),
            log=self.log,
        )
        return self.note(Kind.PAIR, body)

    def note(self, kind: Kind, body: Any, *files: Attachment, **more: Any) -> bytes:
        """Return a signed message; `at`, `recipient`, `sender` and `signer` may be another's."""
        assert self.authority is not None
        message = Message.of(
            kind,
            more.get("sender", self.name),
            more.get("recipient", self.authority.name),
            more.get("at", self.clock()),
            body,
            *files,
        )
        return sealed(message, more.get("signer", self.signer))

    def files(self, *documents: bytes, pack: str = DRAFT, **more: Any) -> bytes:
        """Return a filing with documents."""
        body = Filing(
            act=more.get("act", FilingKind.FIRST),
            pack=pack,
            cause="persons",
            raised_on=RAISED.isoformat(),
            deadline=LAST.isoformat(),
            persons=more.get("persons", persons(10_001)),
            snapshot={"purposes": ["check-in"]},
            devices=more.get("devices", ()),
            amends=more.get("amends"),
        )
        attached = [attachment(f"{place}.docx", DOCX, each) for place, each in enumerate(documents)]
        return self.note(Kind.FILING, body, *attached, at=more.get("at", self.clock()))

    def states(self, counted: Persons, day: date | None = None, **more: Any) -> bytes:
        """Return a statement."""
        said = {"day": (day or self.clock().date()).isoformat(), "persons": counted.model_dump(), **more}
        return self.note(Kind.STATEMENT, Statement(statement=json.loads(json.dumps(said))))

    def shares(self, sketch: bytes, key_id: str, many: int) -> bytes:
        """Return a share of a sketch."""
        body = Share(group=self.group or "", key_id=key_id, persons=many)
        return self.note(Kind.SHARE, body, attachment("sketch", "application/octet-stream", sketch))

    def collects(self, after: int = 0, **more: Any) -> bytes:
        """Return the note that collects."""
        from countenance.filing.exchange import Collect

        return self.note(Kind.COLLECT, Collect(after=after), **more)

    def opens(self, note: bytes) -> Message:
        """Return what the authority says, checked as an operator has to check it."""
        assert self.authority is not None
        return opened(note, self.authority, self.name)

    def receipt(self, note: bytes) -> Receipt:
        """Return a receipt."""
        found = self.opens(note)
        assert found.kind is Kind.RECEIPT
        said = found.says()
        assert isinstance(said, Receipt)
        return said


DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def paired(desk: Desk, operator: Operator) -> str:
    """Pair an operator and return by which word the authority knows it."""
    note = operator.pairs(desk.code(CLERK).code, desk.office.signer.verifier)
    said = operator.opens(pairing.pair(desk.office, note)).says()
    return str(said.party)


def put(desk: Desk, content: bytes, *, declared: bool = True) -> None:
    """Send a file as the door does."""
    name = attachment("x", DOCX, content).sha256
    with inbox.begin(desk.office, name, len(content) if declared else None) as draft:
        draft.write(content)
        inbox.finish(desk.office, name, draft)


def filed(desk: Desk, operator: Operator, *documents: bytes, **more: Any) -> Case:
    """File whole, and return the case."""
    note = operator.files(*documents, **more)
    receipt = operator.receipt(inbox.take(desk.office, note))
    for each in documents:
        if attachment("x", DOCX, each).sha256 in receipt.missing:
            put(desk, each)
    assert operator.receipt(inbox.take(desk.office, note)).missing == ()
    return next(each for each in desk.cases() if each.message_id == receipt.of)


def collected(desk: Desk, operator: Operator, after: int = 0) -> list[Message]:
    """Return what the authority sent."""
    found = inbox.collect(desk.office, operator.collects(after, at=desk.office.clock()))
    return [operator.opens(each["note"].encode()) for each in found["messages"]]


def device(name: str = "lobby") -> PublicDevice:
    return PublicDevice(
        device=name,
        name="Lobby",
        venue="h1",
        venue_kind="hotel",
        place="entrance",
        latitude=31.2304,
        longitude=121.4737,
    )


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def kept(desk: Desk) -> list[Path]:
    """Return every file of the folder of attachments, drafts too."""
    folder = desk.office.files.path(bytes(32)).parent.parent
    return sorted(each for each in folder.rglob("*") if each.is_file()) if folder.exists() else []
