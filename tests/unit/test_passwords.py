"""Passwords and codes: the standard's own vectors, one step to either side, and an answer that tells nothing."""

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from countenance.vault import passwords
from countenance.vault.passwords import STEP_SECONDS, code_address, code_step, fits, hashed, new_code_secret
from tests.operations.signing import app_shows

#: The shared secret of RFC 6238, appendix B, and the last six of the eight digits that stand there for SHA-1.
RFC_SECRET = b"12345678901234567890"
RFC_VECTORS = [
    (59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"),
    (2000000000, "279037"), (20000000000, "353130"),
]  # fmt: skip
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(("seconds", "code"), RFC_VECTORS)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    assert code_step(RFC_SECRET, code, at(seconds)) == seconds // STEP_SECONDS


@pytest.mark.parametrize(("away", "taken"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_code_is_taken_one_step_to_either_side(away: int, taken: bool) -> None:
    seconds, code = RFC_VECTORS[3]
    step = seconds // STEP_SECONDS
    assert code_step(RFC_SECRET, code, at(seconds + away)) == (step if taken else None)


def test_the_window_ends_at_the_second() -> None:
    first = 1234567890 // STEP_SECONDS * STEP_SECONDS
    code = "005924"
    assert code_step(RFC_SECRET, code, at(first - 30)) is not None
    assert code_step(RFC_SECRET, code, at(first - 31)) is None
    assert code_step(RFC_SECRET, code, at(first + 59)) is not None
    assert code_step(RFC_SECRET, code, at(first + 60)) is None


@pytest.mark.parametrize("code", ["", "5924", "0059240", "005925", "００５９２４", "005 924", "\x00" * 6, "💥"])
def test_anything_else_is_no_code(code: str) -> None:
    assert code_step(RFC_SECRET, code, at(1234567890)) is None


def test_secrets_of_codes_are_long_and_all_different() -> None:
    made = {new_code_secret() for _ in range(50)}
    assert len(made) == 50
    assert {len(each) for each in made} == {20}


def test_an_app_reads_secret_digits_and_step_from_the_address() -> None:
    address = urlsplit(code_address(RFC_SECRET, "staff-12", "Countenance"))
    said = parse_qs(address.query)
    assert (address.scheme, address.netloc, unquote(address.path)) == ("otpauth", "totp", "/Countenance:staff-12")
    assert base64.b32decode(said["secret"][0]) == RFC_SECRET
    assert (said["digits"], said["period"], said["algorithm"], said["issuer"]) == (
        ["6"], ["30"], ["SHA1"], ["Countenance"],
    )  # fmt: skip


def test_a_password_fits_what_was_kept_of_it_and_nothing_else() -> None:
    kept = hashed("correct horse battery")
    assert fits("correct horse battery", kept)
    for wrong in ("correct horse batter", "correct horse battery ", "Correct horse battery", "", "\0"):
        assert not fits(wrong, kept)


def test_what_is_kept_is_salted_slow_and_names_its_parameters() -> None:
    first, second = hashed("correct horse battery"), hashed("correct horse battery")
    assert first != second
    assert first.startswith("$argon2id$v=19$m=19456,t=3,p=1$")
    assert "horse" not in first
    # Kept under cheaper parameters once, it still fits: the hash says which.
    cheap = Argon2id(salt=b"s" * 16, length=32, iterations=1, lanes=1, memory_cost=64)
    assert fits("correct horse battery", cheap.derive_phc_encoded(b"correct horse battery"))


def test_a_keyboard_that_sends_an_accent_by_itself_types_the_same_password() -> None:
    assert fits("pass\u0065\u0301 mot de passe", hashed("pass\u00e9 mot de passe"))
    assert fits("\uff11\uff12\uff13 words and more", hashed("123 words and more"))


def test_where_nothing_is_kept_the_answer_is_no_and_costs_the_same_work(monkeypatch) -> None:
    asked: list[str] = []
    parameters = hashed("any other").split("$")[1:4]

    class Watched:
        @staticmethod
        def verify_phc_encoded(password: bytes, kept: str) -> None:
            asked.append(kept)
            Argon2id.verify_phc_encoded(password, kept)

    monkeypatch.setattr(passwords, "Argon2id", Watched)
    assert not fits("correct horse battery", None)
    (nobody,) = asked
    assert nobody.split("$")[1:4] == parameters


def test_a_used_step_is_told_apart_from_a_fresh_one() -> None:
    secret = new_code_secret()
    seen = {
        code_step(secret, app_shows(secret, NOON + timedelta(seconds=away)), NOON + timedelta(seconds=away))
        for away in (0, 1, 29, 30, 60)
    }
    assert len(seen) == 3
