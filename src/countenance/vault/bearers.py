"""Bearer secrets: shown once, kept as a digest, compared in a time that says nothing.

A secret is 256 random bits, so a plain SHA-256 of it is enough to keep (no dictionary can hold it).
"""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import Final

_TOKEN: Final = re.compile(r"([a-z]{2})_([a-z2-7]{12})_([A-Za-z0-9_-]{43})")
_NOBODY: Final = hashlib.sha256(b"nobody").digest()


@dataclass(frozen=True, slots=True)
class Minted:
    """A new bearer token: its public id, the digest to keep, and the token itself, which is shown once."""

    public_id: str
    digest: bytes = field(repr=False)
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Presented:
    """A token that somebody presents: the public id to look up, and the digest of its secret."""

    public_id: str
    digest: bytes = field(repr=False)


def mint(kind: str) -> Minted:
    """Return a new token `kind_id_secret`; `kind` is two letters that say what it opens."""
    public_id = base64.b32encode(secrets.token_bytes(10)).decode().lower()[:12]
    secret = secrets.token_urlsafe(32)
    return Minted(public_id, hashlib.sha256(secret.encode()).digest(), f"{kind}_{public_id}_{secret}")


def presented(kind: str, token: str | None) -> Presented | None:
    """Return what a token of that kind names and shows, None for anything that is no such token."""
    parts = _TOKEN.fullmatch(token or "")
    if parts is None or parts[1] != kind:
        return None
    return Presented(parts[2], hashlib.sha256(parts[3].encode()).digest())


def agrees(shown: Presented | None, held: bytes | None) -> bool:
    """Return whether a secret is the one whose digest is held.

    Compared even where nothing is held, so that the time does not tell which ids exist.
    """
    digest = shown.digest if shown else b"\0" * len(_NOBODY)
    return hmac.compare_digest(digest, _NOBODY if held is None else held) and shown is not None and held is not None
