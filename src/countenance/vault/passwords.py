"""Passwords and one-time codes of staff: Argon2id (RFC 9106) and TOTP (RFC 6238), both from a well-kept library."""

import secrets
import unicodedata
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.twofactor.totp import TOTP

#: Chosen so that a guess costs a server of two cores about a tenth of a second and 19 MiB (OWASP's smallest choice).
_MEMORY_KIB: Final = 19_456
_ROUNDS: Final = 3
_DIGITS: Final = 6
STEP_SECONDS: Final = 30
CODE_SECRET_BYTES: Final = 20
PASSWORD_CHARS_MIN: Final = 12
PASSWORD_CHARS_MAX: Final = 256


def hashed(password: str) -> str:
    """Return what is kept of a password: salted, slow to guess, in the PHC form that names its own parameters."""
    made = Argon2id(
        salt=secrets.token_bytes(16), length=32, iterations=_ROUNDS, lanes=1, memory_cost=_MEMORY_KIB
    )  # fmt: skip
    return made.derive_phc_encoded(_typed(password))


def _typed(password: str) -> bytes:
    """Return a password as every keyboard types it: one sends an accented letter in one part, another in two."""
    return unicodedata.normalize("NFKC", password).encode()


#: Compared with where there is nobody, so that the time does not tell who is on file.
_NOBODY: Final = hashed(secrets.token_urlsafe(32))


def fits(password: str, kept: str | None) -> bool:
    """Return whether a password is the one that was kept; where none was, as slowly, no."""
    try:
        Argon2id.verify_phc_encoded(_typed(password), kept or _NOBODY)
    except InvalidKey:
        return False
    return kept is not None


def new_code_secret() -> bytes:
    """Return a fresh secret for a person's one-time codes."""
    return secrets.token_bytes(CODE_SECRET_BYTES)


def code_step(secret: bytes, code: str, at: datetime) -> int | None:
    """Return the step of time whose code this is: the present one, the one before or the one after; None for none.

    The caller refuses a step that was used: a code that somebody saw being typed must not open a second time.
    """
    totp = TOTP(secret, _DIGITS, SHA1(), STEP_SECONDS, enforce_key_length=False)  # noqa: S303 — what every app speaks
    now = int(at.timestamp()) // STEP_SECONDS
    given = code.encode()
    steps = [
        step for step in (now - 1, now, now + 1) if secrets.compare_digest(totp.generate(step * STEP_SECONDS), given)
    ]
    return steps[0] if steps else None


def code_address(secret: bytes, who: str, issuer: str) -> str:
    """Return the otpauth address that an app reads from a QR code."""
    return TOTP(secret, _DIGITS, SHA1(), STEP_SECONDS, enforce_key_length=False).get_provisioning_uri(who, issuer)  # noqa: S303
