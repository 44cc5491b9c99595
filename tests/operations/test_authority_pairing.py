"""Operators pair with a code that serves once, and nobody else comes in: no forged key, no second use, no late one."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from countenance.authority import inbox, pairing
from countenance.authority.addresses import check_address, check_reach
from countenance.authority.desk import Desk
from countenance.authority.pairing import CODE_DAYS, CODES_MAX
from countenance.errors import (
    ConflictError,
    CountenanceError,
    LimitError,
    MalformedError,
    NotAllowedError,
    NotFoundError,
    UnavailableError,
)
from countenance.filing.exchange import LogAddress, read_code
from countenance.log.notes import SignatureKind, Signer
from countenance.store.database import Database
from countenance.store.register import parties
from countenance.store.register.tables import REGISTER, metadata
from tests.operations.exchanging import CLERK, Clock, Operator, make_desk, paired, persons, register_database

LOG = LogAddress(
    vkey=Signer("hotel.example/log/hotel/1", bytes([9]) * 32).verifier.as_vkey(), url="https://log.example/"
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(postgres: str, tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    with register_database(postgres) as database:
        yield make_desk(database, tmp_path, clock)


def test_the_tables_are_those_of_the_steps(desk: Desk):
    with desk.office.database.transaction() as tx:
        here = MigrationContext.configure(tx, opts={"version_table": REGISTER.version_table})
        assert compare_metadata(here, metadata) == []
        assert not tx.execute(text("SELECT to_regclass('alembic_version')")).scalar()
    assert len(metadata.tables) > 10
    assert desk.office.database.current()


def test_an_operators_database_keeps_its_own_version(postgres: str, desk: Desk):
    operators = Database(desk.office.database.engine.url.render_as_string(hide_password=False))
    operators.migrate()
    assert operators.current()
    assert desk.office.database.current()
    operators.close()


def test_an_operator_pairs_and_is_known_by_its_key(desk: Desk, clock: Clock):
    hotel = Operator(clock=clock, group="Harbour", log=LOG)
    party_id = paired(desk, hotel)
    (party,) = desk.parties()
    assert (party.party_id, party.name, party.group, party.vkey) == (party_id, "The Hotel", "Harbour", hotel.vkey)
    assert (party.log_vkey, party.log_url) == (LOG.vkey, LOG.url)
    assert party.paired_at == clock.now
    assert [each.verifier.as_vkey() for each in desk.office.witness.policy.logs] == [LOG.vkey]
    assert [(each.kind, each.ours) for each in desk.conversation(party_id)] == [("pair", False)]
    assert "wang" not in repr(party).lower()


def test_a_lost_answer_is_given_again_the_same(desk: Desk, clock: Clock):
    hotel = Operator(clock=clock)
    note = hotel.pairs(desk.code(CLERK).code, desk.office.signer.verifier)
    answer = pairing.pair(desk.office, note)
    clock.forward(days=CODE_DAYS + 1)  # it was used in time
    assert pairing.pair(desk.office, note) == answer
    assert len(desk.parties()) == 1
    assert len(desk.conversation(desk.parties()[0].party_id)) == 1


def test_a_code_serves_once(desk: Desk, clock: Clock):
    code = desk.code(CLERK).code
    key = desk.office.signer.verifier
    pairing.pair(desk.office, Operator(clock=clock).pairs(code, key))
    with pytest.raises(NotAllowedError):
        pairing.pair(desk.office, Operator("inn.example", 2, clock=clock).pairs(code, key))
    assert len(desk.parties()) == 1


def test_a_code_ends(desk: Desk, clock: Clock):
    made = desk.code(CLERK)
    clock.now = made.expires_at
    with pytest.raises(NotAllowedError):
        pairing.pair(desk.office, Operator(clock=clock).pairs(made.code, desk.office.signer.verifier))
    assert desk.parties() == []


def test_no_secret_of_a_code_is_in_the_database(desk: Desk):
    code = desk.code(CLERK).code
    secret, _ = read_code(code)
    with desk.office.database.transaction() as tx:
        row = str(tx.execute(text("SELECT pairing_code::text FROM pairing_code")).scalar_one())
    assert secret.hex() not in row
    assert code not in repr(desk.code(CLERK))


def test_a_wrong_proof_and_a_foreign_signature_are_refused_alike_and_counted(desk: Desk, clock: Clock):
    key = desk.office.signer.verifier
    said = set()
    other = Operator(clock=clock).pairs("0" * 32, key)
    # Somebody who saw the proof on its way signs another key with it.
    stolen = Operator(seed=7, clock=clock)
    right = Operator(clock=clock).pairs(desk.code(CLERK).code, key)
    swapped = right.replace(Operator().vkey.encode(), stolen.vkey.encode())
    for note in (other, swapped):
        with pytest.raises(NotAllowedError) as raised:
            pairing.pair(desk.office, note)
        said.add((raised.value.en, raised.value.zh))
    assert len(said) == 1
    with desk.office.database.transaction() as tx:
        assert parties.refused(tx, pairing.REFUSED) == 2
    assert desk.parties() == []


def test_a_name_belongs_to_one_party_and_a_code_for_it_changes_its_key(desk: Desk, clock: Clock):
    party_id = paired(desk, Operator(clock=clock))
    again = Operator(seed=5, clock=clock)
    key = desk.office.signer.verifier
    with pytest.raises(ConflictError):
        pairing.pair(desk.office, again.pairs(desk.code(CLERK).code, key))
    pairing.pair(desk.office, again.pairs(desk.code(CLERK, party_id).code, key))
    assert [(each.party_id, each.vkey) for each in desk.parties()] == [(party_id, again.vkey)]
    inbox.take(desk.office, again.states(persons(5)))
    old = Operator(clock=clock, authority=key)
    with pytest.raises(NotAllowedError):
        inbox.take(desk.office, old.states(persons(6)))
    # A code for one party is no way to take over another's name.
    inn = paired(desk, Operator("inn.example", 8, clock=clock))
    with pytest.raises(ConflictError):
        pairing.pair(desk.office, Operator(seed=9, clock=clock).pairs(desk.code(CLERK, inn).code, key))


def test_the_same_key_may_pair_again(desk: Desk, clock: Clock):
    assert paired(desk, Operator(clock=clock)) == paired(desk, Operator(clock=clock))
    assert len(desk.parties()) == 1


def test_a_log_belongs_to_one_party(desk: Desk, clock: Clock):
    paired(desk, Operator(clock=clock, log=LOG))
    with pytest.raises(ConflictError):
        paired(desk, Operator("inn.example", 2, clock=clock, log=LOG))


def test_of_two_that_show_one_code_at_once_one_comes_in(desk: Desk, clock: Clock):
    code, key = desk.code(CLERK).code, desk.office.signer.verifier
    notes = [Operator(f"h{each}.example", each, clock=clock).pairs(code, key) for each in range(1, 7)]
    done: list[str] = []

    def act(note: bytes) -> None:
        try:
            pairing.pair(desk.office, note)
        except CountenanceError as error:
            done.append(type(error).__name__)
        else:
            done.append("paired")

    threads = [threading.Thread(target=act, args=(note,)) for note in notes]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(done) == ["NotAllowedError"] * 5 + ["paired"]
    assert len(desk.parties()) == 1


def test_what_does_not_pair_is_malformed(desk: Desk, clock: Clock):
    hotel = Operator(clock=clock)
    paired(desk, hotel)
    with pytest.raises(MalformedError):
        pairing.pair(desk.office, hotel.states(persons(1)))
    with pytest.raises(MalformedError):
        pairing.pair(desk.office, b"hello")
    witness = Signer("inn.example", bytes(32), SignatureKind.COSIGNATURE).verifier.as_vkey()
    note = Operator("inn.example", 3, clock=clock).pairs(desk.code(CLERK).code, desk.office.signer.verifier)
    with pytest.raises(CountenanceError):
        pairing.pair(desk.office, note.replace(Operator("inn.example", 3).vkey.encode(), witness.encode()))
    with pytest.raises(NotFoundError):
        desk.code(CLERK, "nobody")


def test_only_so_many_codes_wait(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    assert CODES_MAX > 100
    monkeypatch.setattr(pairing, "CODES_MAX", 2)
    desk.code(CLERK)
    desk.code(CLERK)
    with pytest.raises(LimitError):
        desk.code(CLERK)


PRIVATE = [
    "https://127.0.0.1/", "https://[::1]/", "https://10.0.0.5/log", "https://192.168.1.1/", "https://169.254.169.254/",
    "https://localhost/", "https://x.localhost/", "https://[fd00::1]/", "https://0.0.0.0/", "http://127.0.0.1:8000/",
    f"https://{'a' * 64}.example/", "https://a..example/", "https://100.64.0.1/", "https://[::ffff:10.0.0.5]/",
]  # fmt: skip


def test_no_log_is_fetched_from_a_private_network(desk: Desk, clock: Clock):
    careful = Desk(replace(desk.office, private_logs=False))
    for url in PRIVATE:
        with pytest.raises(MalformedError):
            check_address(url, private=False)
        with pytest.raises(MalformedError):
            paired(careful, Operator(clock=clock, log=LogAddress(vkey=LOG.vkey, url=url)))
    assert desk.parties() == []


@pytest.mark.parametrize(
    "url",
    ["ftp://log.example/", "http://log.example/", "https://a b/", "https://u@log.example/", "x"],
)
def test_an_address_of_a_log_is_one(url: str):
    with pytest.raises(MalformedError):
        check_address(url, private=True)


def test_a_name_that_leads_into_a_private_network_is_not_followed(monkeypatch: pytest.MonkeyPatch):
    leads = {"evil.example": "10.0.0.5", "log.example": "93.184.215.14"}

    def found(host: str, *_: object, **__: object) -> list[tuple]:
        return [(0, 0, 0, "", (leads[host], 0))]

    monkeypatch.setattr("countenance.authority.addresses.socket.getaddrinfo", found)
    with pytest.raises(MalformedError):
        check_reach("https://evil.example/", private=False)
    check_reach("https://log.example/", private=False)
    check_reach("https://evil.example/", private=True)

    for trouble in (OSError, UnicodeError):

        def lost(*_: object, trouble: type[Exception] = trouble, **__: object) -> list[tuple]:
            raise trouble

        monkeypatch.setattr("countenance.authority.addresses.socket.getaddrinfo", lost)
        with pytest.raises(UnavailableError):
            check_reach("https://log.example/", private=False)
