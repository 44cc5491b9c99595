"""Who comes with a receipt: wrong ones are refused alike, the token is nowhere, and addresses are paced."""

import hmac
import logging

import pytest
from sqlalchemy import text

from countenance import access
from countenance.errors import LimitError, NotAllowedError
from countenance.operations import receipts
from countenance.operations.parts import Holder
from countenance.reception.pace import Pace, network
from countenance.vault.bearers import Minted, mint, presented
from countenance.vocabulary import ReceiptKind, Role
from tests import pictures
from tests.database import DEVICE, OPERATOR, Hotel
from tests.operations.receipt import claimed, held, receipt_for, said_yes, token_of


def test_every_wrong_token_is_refused_in_the_same_words(hotel: Hotel) -> None:
    token, other = token_of(said_yes(hotel, "guest")), token_of(said_yes(hotel, "other"))
    with hotel.house.database.transaction() as tx:
        credential = access.issue(tx, OPERATOR, Role.OFFICER, label="o", at=hotel.clock()).token
    assert held(hotel, token) != held(hotel, other)
    flipped = token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1]
    wrong = [
        None,
        "",
        token[:-1],
        token[:40],
        flipped,
        other[:15] + token[15:],  # one receipt's id with another's secret
        mint("cr").token,
        credential,
        "cn" + token[2:],
        token.upper(),
        f" {token}",
        token + "A" * 5000,
        "' OR 1=1 --",
    ]
    said = set()
    for each in wrong:
        with pytest.raises(NotAllowedError) as raised:
            held(hotel, each or "")
        said.add((raised.value.known, raised.value.en, raised.value.zh))
    with hotel.house.database.transaction() as tx, pytest.raises(NotAllowedError) as nobody:
        access.authenticate(tx, token, hotel.clock())  # a receipt is no credential
    said.add((nobody.value.known, nobody.value.en, nobody.value.zh))

    assert len(said) == 1
    assert not next(iter(said))[0]


def test_the_secrets_of_an_unknown_and_of_a_known_receipt_are_compared_alike(
    hotel: Hotel, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, compared, real = token_of(said_yes(hotel, "guest")), list[tuple[int, int]](), hmac.compare_digest

    def watched(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return real(one, other)

    monkeypatch.setattr("countenance.vault.bearers.hmac.compare_digest", watched)
    held(hotel, token)
    with pytest.raises(NotAllowedError):
        held(hotel, mint("cr").token)

    assert compared == [(32, 32), (32, 32)]


def test_another_operators_receipt_opens_what_is_the_other_operators(hotel: Hotel) -> None:
    """A receipt says itself whose it is, so that nothing of one operator can be reached with another's."""
    holder = receipt_for(hotel, "guest")
    with hotel.house.database.transaction() as tx:
        tx.execute(text("INSERT INTO operator VALUES ('other-hotel', 'Other', 'x@other.example')"))
        tx.execute(
            text(
                "INSERT INTO receipt (operator_id, receipt_id, kind, secret_digest, issued_at, purpose, certificate)"
                " SELECT 'other-hotel', 'aaaaaaaaaaaa', kind, secret_digest, issued_at, purpose,"
                ' \'{"act": "erased"}\'::jsonb FROM receipt'
            )
        )
    other = Holder("other-hotel", "aaaaaaaaaaaa", ReceiptKind.CONSENT)

    assert receipts.withdraw(hotel.house, other) == {"act": "erased"}
    assert receipts.show(hotel.house, other).operator["name"] == "Other"
    assert receipts.show(hotel.house, holder).state == "given"


def test_the_token_is_nowhere(hotel: Hotel, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        done = said_yes(hotel, "guest")
        holder = held(hotel, token_of(done))
        hotel.enrol("guest", pictures.admiral())
        used = claimed(hotel, "guest", pictures.admiral())
        taken = receipts.take(hotel.house, DEVICE, used.recorded.record_id)
        seen = receipts.show(hotel.house, holder)
        receipts.uses(hotel.house, holder)
        certificate = receipts.withdraw(hotel.house, holder)
    secrets = [token.split("_", 2)[2] for token in (token_of(done), taken.token)]
    minted = mint("cr")

    with hotel.house.database.transaction() as tx:
        names = tx.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars().all()
        rows = [row for name in names for row in tx.execute(text(f'SELECT t::text FROM "{name}" t')).scalars()]
        bodies = [bytes(body).decode() for body in tx.execute(text("SELECT body FROM record")).scalars()]
    assert len(bodies) == 6
    assert any(holder.receipt_id in row for row in rows)
    for secret in secrets:
        hidden = (rows, bodies, repr(done), repr(taken), repr(holder), repr(seen), str(certificate), caplog.text)
        for where in hidden:
            assert secret not in str(where)
            assert secret.encode().hex() not in str(where)
    assert minted.token not in repr(minted)
    assert presented("cr", minted.token) is not None
    assert isinstance(minted, Minted)


def test_an_address_of_a_receipt_keeps_the_token_from_every_server() -> None:
    assert receipts.address("https://faces.example/", "cr_x") == "https://faces.example/r#cr_x"


def test_a_qr_code_is_drawn_as_svg_and_differs_with_its_token() -> None:
    one, other = (receipts.qr(receipts.address("https://faces.example", mint("cr").token)) for _ in range(2))

    assert one.startswith(b"<?xml")
    assert b"<svg" in one
    assert b"cr_" not in one
    assert one != other


class Seconds:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_one_address_is_paced_and_no_other_waits_for_it() -> None:
    seconds = Seconds()
    pace = Pace(60, elapsed=seconds)
    through, waits = 0, set[tuple[str, int | None]]()
    for _ in range(10_000):
        try:
            pace.step("192.0.2.1")
            through += 1
        except LimitError as error:
            waits.add((error.limit, error.seconds))

    assert (through, waits) == (60, {("rate", 1)})
    pace.step("192.0.2.2")
    seconds.now += 3
    for _ in range(3):
        pace.step("192.0.2.1")
    with pytest.raises(LimitError):
        pace.step("192.0.2.1")
    seconds.now += 3600
    for _ in range(60):  # a minute's worth, however long it was quiet
        pace.step("192.0.2.1")
    with pytest.raises(LimitError):
        pace.step("192.0.2.1")


def test_a_slow_pace_says_how_long_to_wait() -> None:
    pace = Pace(2, elapsed=Seconds())
    pace.step("192.0.2.1")
    pace.step("192.0.2.1")
    with pytest.raises(LimitError) as raised:
        pace.step("192.0.2.1")
    assert raised.value.seconds == 30


def test_only_so_many_addresses_are_remembered_the_last_ones() -> None:
    pace = Pace(1, addresses_max=3, elapsed=Seconds())
    for last in range(10):
        pace.step(f"192.0.2.{last}")

    assert len(pace) == 3
    with pytest.raises(LimitError):
        pace.step("192.0.2.9")


def test_a_machine_does_not_get_more_by_its_many_addresses() -> None:
    assert network("2001:db8:1:2::1") == network("2001:db8:1:2:ffff::9")
    assert network("2001:db8:1:2::1") != network("2001:db8:1:3::1")
    assert network("::ffff:192.0.2.1") == network("192.0.2.1") == "192.0.2.1"
    assert network(None) == network("testclient") == ""
