"""Sealing: AES-256-GCM envelopes, a key per subject and purpose, wrapped by the operator's key (NIST SP 800-38D).

A sealed value is one version byte, a 96-bit random nonce, and ciphertext with its 128-bit tag. The associated data
name what the value is for, so that a template moved to another subject, purpose, operator or model does not open.
What is wrapped by a later generation of the operator's key begins with version 2 and the number of the generation.
"""

import hashlib
import hmac
import secrets
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final
from uuid import UUID, uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from countenance.errors import IntegrityError
from countenance.vault.keyring import Key, Keyring, wipe
from countenance.vault.keys import FIRST, KEY_BYTES

_VERSION: Final = b"\x01"
#: Followed by the generation in four bytes.
_GENERATIONS: Final = b"\x02"
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_LENGTH: Final = struct.Struct(">I")
_RETURNS: Final = "returns"


def _associated(kind: str, *parts: str) -> bytes:
    """Join the parts with their lengths, so that no two lists give the same bytes."""
    pieces = [_lead(kind)]
    for part in parts:
        encoded = part.encode()
        pieces += (_LENGTH.pack(len(encoded)), encoded)
    return b"".join(pieces)


@cache
def _lead(kind: str) -> bytes:
    """Return what associated data of a kind begin with; of kinds there are a dozen."""
    return b"".join(_LENGTH.pack(len(part)) + part for part in (b"countenance", kind.encode()))


def _seal(cipher: AESGCM, value: bytes | bytearray, associated: bytes, head: bytes = _VERSION) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return head + nonce + cipher.encrypt(nonce, value, associated)


def _open(cipher: AESGCM, sealed: bytes, associated: bytes, head: bytes = _VERSION) -> bytearray:
    """Return what was sealed, in a buffer that can be wiped."""
    if sealed[: len(head)] != head:
        raise _does_not_open()
    nonce, body = sealed[len(head) : len(head) + _NONCE_BYTES], sealed[len(head) + _NONCE_BYTES :]
    value = bytearray(max(0, len(body) - _TAG_BYTES))
    try:
        cipher.decrypt_into(nonce, body, associated, value)
    except (InvalidTag, ValueError):
        raise _does_not_open() from None
    return value


def head_of(generation: int) -> bytes:
    """Return how a value begins that this generation of the operator's key has wrapped."""
    return _VERSION if generation == FIRST else _GENERATIONS + generation.to_bytes(4, "big")


def generation_of(wrapped: bytes) -> int:
    """Return the generation that wrapped a value; raises IntegrityError for what no generation has."""
    if wrapped[:1] == _VERSION:
        return FIRST
    if wrapped[:1] != _GENERATIONS or len(wrapped) < len(head_of(FIRST + 1)):
        raise _does_not_open()
    return int.from_bytes(wrapped[1:5], "big")


def _does_not_open() -> IntegrityError:
    return IntegrityError(
        "A sealed value does not open where it lies: it was moved, changed, or belongs to another key. "
        "Stop and restore from backup.",
        "封存数据无法打开：可能已被移动、篡改或密钥不符。请停止服务并从备份恢复。",
    )


class Vault:
    """Seals and opens what belongs to one operator's subjects; its repr never shows a key."""

    __slots__ = ("_keys", "_operator_id")

    def __init__(self, operator_id: str, keys: Keyring) -> None:
        """Hold the generations of the operator's key-encryption key."""
        self._operator_id = operator_id
        self._keys = keys

    def __reduce__(self) -> tuple[object, ...]:
        """Refuse to be pickled: a key may not leave the process."""
        raise TypeError

    @property
    def generation(self) -> int:
        """Return the generation that wraps now."""
        return self._keys.newest().generation

    def check(self, generations: Iterable[int]) -> None:
        """Raise UnavailableError where the key of one of these generations is not there or not safe to use."""
        for generation in generations:
            self._keys.of(generation)

    def _wrap(self, value: bytes | bytearray, associated: bytes) -> bytes:
        newest = self._keys.newest()
        return _seal(newest.cipher, value, associated, head_of(newest.generation))

    def _unwrap(self, wrapped: bytes, associated: bytes) -> bytearray:
        key = self._keys.of(generation_of(wrapped))
        return _open(key.cipher, wrapped, associated, head_of(key.generation))

    @contextmanager
    def _unwrapped(self, wrapped: bytes, associated: bytes) -> Iterator[AESGCM]:
        """Yield the cipher of a key that is wrapped; the key itself is wiped at once."""
        key = self._unwrap(wrapped, associated)
        try:
            cipher = AESGCM(key)
        finally:
            wipe(key)
        yield cipher

    def rewrap(self, wrapped: bytes, kind: str, *parts: str) -> bytes:
        """Return a wrapped value under the newest generation; `kind` and `parts` name what it is for.

        Raises IntegrityError for a value that is for something else.
        """
        associated = _associated(kind, self._operator_id, *parts)
        value = self._unwrap(wrapped, associated)
        try:
            return self._wrap(value, associated)
        finally:
            wipe(value)

    def new_key(self, subject_id: UUID, purpose: str) -> bytes:
        """Return a fresh wrapped key for one subject and purpose."""
        return self._wrap(secrets.token_bytes(KEY_BYTES), self._of_subject(subject_id, purpose))

    def _of_subject(self, subject_id: UUID, purpose: str) -> bytes:
        return _associated("subject-key", self._operator_id, str(subject_id), purpose)

    def seal_template(self, template: bytes, wrapped: bytes, place: "TemplatePlace") -> bytes:
        """Return `template` sealed for exactly one row; raises IntegrityError when the wrapped key does not open."""
        with self._unwrapped(wrapped, self._of_subject(place.subject_id, place.purpose)) as cipher:
            return _seal(cipher, template, place.associated(self._operator_id))

    def open_template(self, sealed: bytes, wrapped: bytes, place: "TemplatePlace") -> bytearray:
        """Return the template of exactly that row, to be wiped by the caller; raises IntegrityError for any other."""
        with self._unwrapped(wrapped, self._of_subject(place.subject_id, place.purpose)) as cipher:
            return _open(cipher, sealed, place.associated(self._operator_id))

    def seal_original(self, picture: bytes, place: "OriginalPlace") -> tuple[bytes, bytes]:
        """Return a fresh wrapped key and, sealed under it for exactly one row, the picture."""
        key, associated = bytearray(secrets.token_bytes(KEY_BYTES)), place.associated(self._operator_id)
        try:
            return self._wrap(key, associated), _seal(AESGCM(key), picture, associated)
        finally:
            wipe(key)

    def open_original(self, sealed: bytes, wrapped: bytes, place: "OriginalPlace") -> bytes:
        """Return the picture of exactly that row; raises IntegrityError for any other. No door calls this."""
        associated = place.associated(self._operator_id)
        with self._unwrapped(wrapped, associated) as cipher:
            return bytes(_open(cipher, sealed, associated))

    def new_request_key(self, place: "RequestPlace") -> bytes:
        """Return a fresh wrapped key for the texts of one request."""
        return self._wrap(secrets.token_bytes(KEY_BYTES), place.associated(self._operator_id, "key"))

    def seal_text(self, text: str, wrapped: bytes, place: "RequestPlace", part: str) -> bytes:
        """Return one text of exactly that request sealed: `part` is what was asked, or the answer."""
        with self._unwrapped(wrapped, place.associated(self._operator_id, "key")) as cipher:
            return _seal(cipher, text.encode(), place.associated(self._operator_id, part))

    def open_text(self, sealed: bytes, wrapped: bytes, place: "RequestPlace", part: str) -> str:
        """Return one text of exactly that request; raises IntegrityError for any other."""
        with self._unwrapped(wrapped, place.associated(self._operator_id, "key")) as cipher:
            return _open(cipher, sealed, place.associated(self._operator_id, part)).decode()

    def new_linking_key(self, subject_id: UUID) -> bytes:
        """Return a fresh sealed key under which the records of one subject are marked."""
        return self._wrap(secrets.token_bytes(KEY_BYTES), self._of_links(subject_id))

    def _of_links(self, subject_id: UUID) -> bytes:
        return _associated("linking-key", self._operator_id, str(subject_id))

    def mark(self, linking_key: bytes, subject_id: UUID) -> bytes:
        """Return the 16-byte mark that ties records to a subject until the linking key is destroyed."""
        key = self._unwrap(linking_key, self._of_links(subject_id))
        try:
            return hmac.digest(key, b"countenance subject mark", hashlib.sha256)[:16]
        finally:
            wipe(key)

    def mark_of_nobody(self) -> None:
        """Do the work of a mark: who is not on file takes as long as who is."""
        subject_id = uuid4()
        self.mark(self.new_linking_key(subject_id), subject_id)

    def seal_secret(self, name: str, value: bytes) -> bytes:
        """Return a small secret of the operator's own, sealed under a name and for no other."""
        return self._wrap(value, _associated("secret", self._operator_id, name))

    def open_secret(self, name: str, sealed: bytes) -> bytes:
        """Return the secret that was sealed under this name; raises IntegrityError for any other."""
        return bytes(self._unwrap(sealed, _associated("secret", self._operator_id, name)))

    def new_return_key(self) -> bytes:
        """Return a fresh sealed key under which identifiers are known that leave and come back."""
        return self.seal_secret(_RETURNS, secrets.token_bytes(KEY_BYTES))

    def return_token(self, sealed: bytes, identifier: str) -> int:
        """Return a keyed hash of an identifier cut to 24 bits: one of a list of millions fits any token by chance.

        So a token tells, among those who left lately, that the same came back, and it cannot be turned into a name.
        """
        return int.from_bytes(hmac.digest(self.open_secret(_RETURNS, sealed), identifier.encode(), "sha256")[:3])

    def seal_space(self, model_id: str, value: bytes) -> bytes:
        """Return the operator's space for the features of one model, sealed for that."""
        return self._wrap(value, _associated("space", self._operator_id, model_id))

    def open_space(self, model_id: str, sealed: bytes) -> bytes:
        """Return the space that was sealed for this model; raises IntegrityError for any other."""
        return bytes(self._unwrap(sealed, _associated("space", self._operator_id, model_id)))

    def request_mark(self, request: bytes) -> bytes:
        """Return a keyed digest of a request, so that a repeat is known without a bare digest of a picture kept."""
        return _request_mark(self._keys.newest(), request)

    def is_marked(self, mark: bytes, request: bytes) -> bool:
        """Return whether a mark is the one of a request, under any generation that is still there."""
        return any(hmac.compare_digest(mark, _request_mark(key, request)) for key in self._keys.every())


def _request_mark(key: Key, request: bytes) -> bytes:
    return hmac.digest(key.marking, request, hashlib.sha256)


class TemplatePlace:
    """Which row a template belongs to: subject, purpose, model and reference."""

    __slots__ = ("model_id", "purpose", "reference_id", "subject_id")

    def __init__(self, subject_id: UUID, purpose: str, model_id: str, reference_id: UUID) -> None:
        """Name the row."""
        self.subject_id = subject_id
        self.purpose = purpose
        self.model_id = model_id
        self.reference_id = reference_id

    def associated(self, operator_id: str) -> bytes:
        """Return the associated data of the row."""
        return _associated(
            "template", operator_id, str(self.subject_id), self.purpose, self.model_id, str(self.reference_id)
        )


class OriginalPlace:
    """Which row an original belongs to: subject, purpose and its own id."""

    __slots__ = ("original_id", "purpose", "subject_id")

    def __init__(self, subject_id: UUID, purpose: str, original_id: UUID) -> None:
        """Name the row."""
        self.subject_id = subject_id
        self.purpose = purpose
        self.original_id = original_id

    def associated(self, operator_id: str) -> bytes:
        """Return the associated data of the row."""
        return _associated("original", operator_id, str(self.subject_id), self.purpose, str(self.original_id))


class RequestPlace:
    """Which row the texts of a request belong to: whose it is, and its own id."""

    __slots__ = ("request_id", "subject_id")

    def __init__(self, subject_id: UUID, request_id: UUID) -> None:
        """Name the row."""
        self.subject_id = subject_id
        self.request_id = request_id

    def associated(self, operator_id: str, part: str) -> bytes:
        """Return the associated data of one part of the row."""
        return _associated("request", operator_id, str(self.subject_id), str(self.request_id), part)
