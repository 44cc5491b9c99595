"""An operator's side of the exchange: against a real authority over HTTP, and against one that lies."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from sqlalchemy import text

from countenance.errors import (
    ConflictError,
    IntegrityError,
    MalformedError,
    NotAllowedError,
    NotFoundError,
    UnavailableError,
)
from countenance.filing import exchange as wire
from countenance.filing.exchange import Kind, Message
from countenance.log.notes import Signer, Verifier
from countenance.operations import submit
from countenance.operations.backup import backup, restore
from countenance.operations.correspond import Correspondence, exchange, pair
from countenance.operations.counting import settle
from countenance.operations.journal import Journal
from countenance.settings import Settings
from countenance.store import exchanges, filings
from countenance.store.exchanges import ExchangedRow
from countenance.vocabulary import FilingKind, FilingState
from tests.database import OPERATOR, Hotel
from tests.doors.authority_front import CLERK, AuthorityFront
from tests.doors.paired import authority_beside, correspondence, grown
from tests.operations.governed import bodies
from tests.operations.people import known, reports_of

DRAFT = "cn-2023-draft"


@pytest.fixture
def co(hotel: Hotel, tmp_path: Path) -> Correspondence:
    return correspondence(hotel, Settings(data_dir=tmp_path / "data"))


@pytest.fixture
def authority(hotel: Hotel, postgres: str, tmp_path: Path) -> Iterator[AuthorityFront]:
    with authority_beside(hotel, postgres, tmp_path / "authority") as made:
        yield made


@pytest.fixture
def paired(co: Correspondence, authority: AuthorityFront) -> Correspondence:
    pair(co, OPERATOR, authority.url, authority.desk.code(CLERK).code)
    return co


def said(hotel: Hotel) -> list[ExchangedRow]:
    with hotel.house.database.reading() as tx:
        return exchanges.said(tx, OPERATOR)


def test_a_filing_is_filed_when_it_is_receipted_and_returned_when_it_is_returned(
    hotel: Hotel, paired: Correspondence, authority: AuthorityFront
) -> None:
    grown(hotel, 10_004)
    assert reports_of(hotel)[DRAFT].state is FilingState.DUE
    message = submit.file(paired, OPERATOR, DRAFT)
    with pytest.raises(ConflictError, match="waits"):
        submit.file(paired, OPERATOR, DRAFT)
    assert reports_of(hotel)[DRAFT].state is FilingState.DUE

    assert exchange(paired, OPERATOR) == (1, 0)

    assert reports_of(hotel)[DRAFT].state is FilingState.FILED
    assert exchange(paired, OPERATOR) == (0, 0), "nothing is delivered twice"
    (case,) = authority.desk.cases()
    assert (case.message_id, case.counted.upper) == (message, 10_004)
    names = {each.name for each in authority.desk.case(case.case_id).said[0].attached}
    assert "package.zip" in names
    with hotel.house.database.reading() as tx:
        assert tx.execute(text("SELECT count(*) FROM enclosed")).scalar_one() == 0, "what arrived is kept there"

    authority.desk.give_back(case.case_id, CLERK, "The name differs.")
    assert exchange(paired, OPERATOR) == (0, 1)
    assert reports_of(hotel)[DRAFT].state is FilingState.DUE
    submit.file(paired, OPERATOR, DRAFT, amends=message)
    exchange(paired, OPERATOR)
    authority.desk.accept(case.case_id, CLERK, "2026-7")
    exchange(paired, OPERATOR)
    done = reports_of(hotel)[DRAFT]
    assert (done.state, done.number) == (FilingState.FILED, "2026-7")
    kinds = [(body["outcome"], body["details"].get("kind")) for body in bodies(hotel) if body["kind"] == "exchange"]
    assert kinds.count(("sent", "filing")) == 2
    assert ("received", "number") in kinds


def test_what_waits_outlives_an_authority_that_is_away(
    hotel: Hotel, paired: Correspondence, authority: AuthorityFront
) -> None:
    grown(hotel, 10_004)
    submit.file(paired, OPERATOR, DRAFT)
    with hotel.house.database.transaction() as tx:
        row = exchanges.authority(tx, OPERATOR)
        assert row is not None
        exchanges.pair(tx, OPERATOR, replace(row, url="http://127.0.0.1:9"))
    with pytest.raises(UnavailableError):
        exchange(paired, OPERATOR)
    with hotel.house.database.transaction() as tx:
        held = exchanges.authority(tx, OPERATOR)
        assert held is not None
        assert held.trouble, "whoever looks sees why nothing goes out"
        exchanges.pair(tx, OPERATOR, row)
    assert exchange(paired, OPERATOR)[0] == 1
    with hotel.house.database.reading() as tx:
        held = exchanges.authority(tx, OPERATOR)
    assert held is not None
    assert held.trouble is None
    assert len(authority.desk.cases()) == 1


def test_two_processes_at_once_deliver_once_and_file_once(
    hotel: Hotel, paired: Correspondence, authority: AuthorityFront
) -> None:
    grown(hotel, 10_004)
    submit.file(paired, OPERATOR, DRAFT)
    authority.desk.remind(authority.desk.parties()[0].party_id, CLERK, "File in time.")
    troubles: list[BaseException] = []

    def deliver() -> None:
        try:
            exchange(paired, OPERATOR)
        except (UnavailableError, ConflictError) as error:
            troubles.append(error)

    threads = [threading.Thread(target=deliver) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []
    with hotel.house.database.reading() as tx:
        assert len(filings.acts(tx, OPERATOR)) == 1
    assert [row.kind for row in said(hotel)].count("reminder") == 1
    assert len(authority.desk.cases()) == 1


def test_statements_go_out_once_a_day_with_the_record_that_is_in_the_log(
    hotel: Hotel, paired: Correspondence, authority: AuthorityFront
) -> None:
    known(hotel, 300)
    settle(hotel.house, OPERATOR)
    for _ in range(3):
        submit.state_daily(paired, OPERATOR)
        exchange(paired, OPERATOR)
    (stated,) = [row for row in said(hotel) if row.kind == "statement"]
    body = wire.message_of(stated.note).says().statement
    (on_record,) = [body for body in bodies(hotel) if body["kind"] == "statement"]
    assert json.loads(body["record"]) == on_record
    party = authority.desk.parties()[0]
    assert party.stated is not None
    assert party.stated.counted.upper == 300


def test_the_key_at_the_address_has_to_be_the_one_of_the_code(
    hotel: Hotel, co: Correspondence, authority: AuthorityFront
) -> None:
    secret, _ = wire.read_code(authority.desk.code(CLERK).code)
    other = wire.pairing_code(secret, Signer("authority.example", bytes(32)).verifier.as_vkey())
    with pytest.raises(IntegrityError, match="not the one that the code names"):
        pair(co, OPERATOR, authority.url, other)
    with pytest.raises(MalformedError):
        pair(co, OPERATOR, authority.url, "1234")
    with pytest.raises(NotFoundError):
        submit.file(co, OPERATOR, DRAFT)
    assert authority.desk.parties() == []
    assert said(hotel) == []


def test_another_key_here_than_was_paired_sends_nothing(
    hotel: Hotel, paired: Correspondence, authority: AuthorityFront
) -> None:
    submit.state(paired, OPERATOR)
    other = Settings(data_dir=paired.sources.settings.data_dir / "other")
    with pytest.raises(UnavailableError, match="not the one that was paired"):
        exchange(replace(paired, sources=replace(paired.sources, settings=other)), OPERATOR)
    assert authority.desk.parties()[0].stated is None
    assert said(hotel)[0].waits


def test_a_group_key_is_sealed_and_a_sketch_goes_out_under_it(
    hotel: Hotel, paired: Correspondence, authority: AuthorityFront
) -> None:
    known(hotel, 500)
    party = authority.desk.parties()[0].party_id
    authority.desk.assign(party, "harbour")
    authority.desk.issue_group_key("harbour", CLERK)
    exchange(paired, OPERATOR)
    (row,) = [row for row in said(hotel) if row.kind == "group_key"]
    assert row.note == b"", "the key lies sealed, and nowhere else"
    submit.share(paired, OPERATOR, "harbour")
    exchange(paired, OPERATOR)
    (member,) = authority.desk.group("harbour").members
    assert member.sketched_at is not None
    with pytest.raises(NotFoundError):
        submit.share(paired, OPERATOR, "another")


@dataclass
class Liar:
    """An authority whose answers are written by a test."""

    signer: Signer
    receipt_of: str | None = None
    by: Signer | None = None
    status: int = 200

    def answer(self, note: bytes) -> tuple[int, bytes]:
        message = wire.message_of(note)
        if self.status != 200:
            return self.status, json.dumps({"detail": "No.", "detail_zh": "否。"}).encode()
        if message.kind is Kind.COLLECT:
            return 200, b'{"messages": [], "more": false}'
        body = wire.Receipt(of=self.receipt_of or message.id, received_at=message.at.isoformat())
        made = Message.of(Kind.RECEIPT, self.signer.verifier.name, message.sender, message.at, body)
        return 200, wire.sealed(made, self.by or self.signer)


@contextmanager
def lying(hotel: Hotel, co: Correspondence, liar: Liar) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, body = liar.answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — the library's word
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        ours = co.signer(OPERATOR).verifier.as_vkey()
        row = exchanges.AuthorityRow(
            f"http://127.0.0.1:{server.server_address[1]}", liar.signer.verifier.as_vkey(), ours, "p1", hotel.clock()
        )
        with hotel.house.database.transaction() as tx:
            exchanges.pair(tx, OPERATOR, row)
        yield
        server.shutdown()


@pytest.mark.parametrize("lie", ["another's receipt", "another's key"])
def test_a_receipt_that_does_not_hold_files_nothing(hotel: Hotel, co: Correspondence, lie: str) -> None:
    grown(hotel, 10_004)
    liar = Liar(Signer("authority.example", bytes([7]) * 32))
    if lie == "another's receipt":
        liar.receipt_of = "0" * 64
    else:
        liar.by = Signer("authority.example", bytes([8]) * 32)
    with lying(hotel, co, liar):
        submit.file(co, OPERATOR, DRAFT, FilingKind.FIRST)
        with pytest.raises(IntegrityError):
            exchange(co, OPERATOR)
    assert reports_of(hotel)[DRAFT].state is FilingState.DUE
    assert said(hotel)[0].waits


@pytest.mark.parametrize(
    "status, waits", [(400, False), (409, False), (413, False), (403, True), (429, True), (503, True)]
)
def test_what_is_refused_for_good_is_set_aside_and_everything_else_is_tried_again(
    hotel: Hotel, co: Correspondence, status: int, *, waits: bool
) -> None:
    liar = Liar(Signer("authority.example", bytes([7]) * 32), status=status)
    with lying(hotel, co, liar):
        submit.state(co, OPERATOR)
        with pytest.raises((UnavailableError, MalformedError, ConflictError, NotAllowedError)):
            exchange(co, OPERATOR)  # refused for good or not, the collecting that follows is refused as well
    (row,) = [each for each in said(hotel) if each.outgoing]
    assert row.waits is waits
    assert bool(row.refused) is not waits


def test_what_was_paired_with_is_what_is_verified(paired: Correspondence, authority: AuthorityFront) -> None:
    with paired.sources.database.reading() as tx:
        row = exchanges.authority(tx, OPERATOR)
    assert row is not None
    assert Verifier.of_vkey(row.vkey) == authority.desk.office.signer.verifier


def test_a_change_alone_files_nothing_and_what_is_filed_is_not_filed_twice(
    hotel: Hotel, paired: Correspondence, authority: AuthorityFront
) -> None:
    grown(hotel, 10_004)
    for act in (FilingKind.CHANGE, FilingKind.DEREGISTRATION):
        with pytest.raises(ConflictError, match="Nothing is filed yet"):
            submit.file(paired, OPERATOR, DRAFT, act)
    submit.file(paired, OPERATOR, DRAFT)
    exchange(paired, OPERATOR)
    with pytest.raises(ConflictError, match="nothing is due"):
        submit.file(paired, OPERATOR, DRAFT)
    submit.file(paired, OPERATOR, DRAFT, FilingKind.CHANGE)
    exchange(paired, OPERATOR)
    (change, first) = sorted(authority.desk.cases(), key=lambda each: each.act.value)
    assert (change.act, first.act) == (FilingKind.CHANGE, FilingKind.FIRST)
    authority.desk.give_back(first.case_id, CLERK, "No.")
    exchange(paired, OPERATOR)
    assert reports_of(hotel)[DRAFT].state is FilingState.DUE, "a change stands on a first filing that stands"


def test_what_was_amended_stands_no_longer_when_the_amendment_is_returned(
    hotel: Hotel, paired: Correspondence, authority: AuthorityFront
) -> None:
    grown(hotel, 10_004)
    first = submit.file(paired, OPERATOR, DRAFT)
    exchange(paired, OPERATOR)
    submit.file(paired, OPERATOR, DRAFT, FilingKind.FIRST, amends=first)
    exchange(paired, OPERATOR)
    (case,) = authority.desk.cases()
    authority.desk.give_back(case.case_id, CLERK, "No.")
    exchange(paired, OPERATOR)
    assert reports_of(hotel)[DRAFT].state is FilingState.DUE


def test_a_restore_neither_doubles_a_filing_nor_ends_the_exchange(
    hotel: Hotel, paired: Correspondence, authority: AuthorityFront, tmp_path: Path
) -> None:
    grown(hotel, 10_004)
    submit.file(paired, OPERATOR, DRAFT)
    backup(hotel.house.database, tmp_path / "one", hotel.clock(), lambda *_: None)
    exchange(paired, OPERATOR)
    journal = Journal(tmp_path / "journal")
    restore(
        hotel.house.database, tmp_path / "one", journal, hotel.house.logs, hotel.clock(),
        progress=lambda *_: None, backup_days=35,
    )  # fmt: skip
    assert reports_of(hotel)[DRAFT].state is FilingState.FILED
    assert exchange(paired, OPERATOR)[0] == 0
    (case,) = authority.desk.cases()
    authority.desk.accept(case.case_id, CLERK, "2026-9")
    exchange(paired, OPERATOR)
    assert reports_of(hotel)[DRAFT].number == "2026-9"
    with hotel.house.database.reading() as tx:
        assert len(filings.acts(tx, OPERATOR)) == 1


def test_paired_again_with_another_key_what_waited_is_set_aside_and_the_rest_goes_out(
    hotel: Hotel, paired: Correspondence, authority: AuthorityFront
) -> None:
    grown(hotel, 10_004)
    submit.file(paired, OPERATOR, DRAFT)
    (party,) = authority.desk.parties()
    elsewhere = Settings(data_dir=paired.sources.settings.data_dir / "new")
    fresh = replace(paired, sources=replace(paired.sources, settings=elsewhere))
    pair(fresh, OPERATOR, authority.url, authority.desk.code(CLERK, party.party_id).code)
    assert [row for row in said(hotel) if row.waits] == []
    hotel.clock.forward(seconds=1)
    submit.file(fresh, OPERATOR, DRAFT)
    assert exchange(fresh, OPERATOR)[0] == 1
    assert reports_of(hotel)[DRAFT].state is FilingState.FILED


def test_hundreds_of_public_devices_are_filed(hotel: Hotel, paired: Correspondence, authority: AuthorityFront) -> None:
    with hotel.house.database.transaction() as tx:
        tx.execute(text("UPDATE place SET public = true WHERE place_id = 'front-desk'"))
        tx.execute(
            text(
                "INSERT INTO device (operator_id, device_id, place_id, name, suspended, retired)"
                " SELECT operator_id, 'gate-' || n, place_id, '检票口人脸识别设备' || n, false, false"
                " FROM place, generate_series(1, 400) AS n WHERE place_id = 'front-desk'"
            )
        )
    submit.file(paired, OPERATOR, DRAFT)
    assert exchange(paired, OPERATOR)[0] == 1
    assert len(authority.desk.devices()) == 401
