"""Sealing: AES-256-GCM envelopes, a key per subject and purpose, wrapped by the operator's key (NIST SP 800-38D).

A sealed value is one version byte, a 96-bit random nonce, and ciphertext with its 128-bit tag. The associated data
name what the value is for, so that a template moved to another subject, purpose, operator or model does not open.
"""

import hashlib
import hmac
import secrets
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from countenance.errors import IntegrityError

_VERSION = b"\x01"
_NONCE_BYTES = 12
KEY_BYTES = 32


def _associated(kind: str, *parts: str) -> bytes:
    """Join the parts with their lengths, so that no two lists give the same bytes."""
    encoded = [part.encode() for part in ("countenance", kind, *parts)]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def _seal(key: bytes, value: bytes, associated: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return _VERSION + nonce + AESGCM(key).encrypt(nonce, value, associated)


def _open(key: bytes, sealed: bytes, associated: bytes) -> bytes:
    if sealed[:1] != _VERSION:
        raise _does_not_open()
    nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    try:
        return AESGCM(key).decrypt(nonce, body, associated)
    except (InvalidTag, ValueError):
        raise _does_not_open() from None


def _does_not_open() -> IntegrityError:
    return IntegrityError(
        "A sealed value does not open where it lies: it was moved, changed, or belongs to another key. "
        "Stop and restore from backup.",
        "封存数据无法打开：可能已被移动、篡改或密钥不符。请停止服务并从备份恢复。",
    )


class Vault:
    """Seals and opens what belongs to one operator's subjects; its repr never shows the key."""

    __slots__ = ("_key", "_operator_id")

    def __init__(self, operator_id: str, key: bytes) -> None:
        """Hold the operator's key-encryption key (32 bytes)."""
        self._operator_id = operator_id
        self._key = key

    def __reduce__(self) -> tuple[object, ...]:
        """Refuse to be pickled: a key may not leave the process."""
        raise TypeError

    def new_key(self, subject_id: UUID, purpose: str) -> bytes:
        """Return a fresh wrapped key for one subject and purpose."""
        key = secrets.token_bytes(KEY_BYTES)
        return _seal(self._key, key, _associated("subject-key", self._operator_id, str(subject_id), purpose))

    def _unwrap(self, wrapped: bytes, subject_id: UUID, purpose: str) -> bytes:
        return _open(self._key, wrapped, _associated("subject-key", self._operator_id, str(subject_id), purpose))

    def seal_template(self, template: bytes, wrapped: bytes, place: "TemplatePlace") -> bytes:
        """Return `template` sealed for exactly one row; raises IntegrityError when the wrapped key does not open."""
        key = self._unwrap(wrapped, place.subject_id, place.purpose)
        return _seal(key, template, place.associated(self._operator_id))

    def open_template(self, sealed: bytes, wrapped: bytes, place: "TemplatePlace") -> bytes:
        """Return the template of exactly that row; raises IntegrityError for any other."""
        key = self._unwrap(wrapped, place.subject_id, place.purpose)
        return _open(key, sealed, place.associated(self._operator_id))

    def seal_original(self, picture: bytes, place: "OriginalPlace") -> tuple[bytes, bytes]:
        """Return a fresh wrapped key and, sealed under it for exactly one row, the picture."""
        key, associated = secrets.token_bytes(KEY_BYTES), place.associated(self._operator_id)
        return _seal(self._key, key, associated), _seal(key, picture, associated)

    def open_original(self, sealed: bytes, wrapped: bytes, place: "OriginalPlace") -> bytes:
        """Return the picture of exactly that row; raises IntegrityError for any other. No door calls this."""
        associated = place.associated(self._operator_id)
        return _open(_open(self._key, wrapped, associated), sealed, associated)

    def new_request_key(self, place: "RequestPlace") -> bytes:
        """Return a fresh wrapped key for the texts of one request."""
        return _seal(self._key, secrets.token_bytes(KEY_BYTES), place.associated(self._operator_id, "key"))

    def seal_text(self, text: str, wrapped: bytes, place: "RequestPlace", part: str) -> bytes:
        """Return one text of exactly that request sealed: `part` is what was asked, or the answer."""
        key = _open(self._key, wrapped, place.associated(self._operator_id, "key"))
        return _seal(key, text.encode(), place.associated(self._operator_id, part))

    def open_text(self, sealed: bytes, wrapped: bytes, place: "RequestPlace", part: str) -> str:
        """Return one text of exactly that request; raises IntegrityError for any other."""
        key = _open(self._key, wrapped, place.associated(self._operator_id, "key"))
        return _open(key, sealed, place.associated(self._operator_id, part)).decode()

    def new_linking_key(self, subject_id: UUID) -> bytes:
        """Return a fresh sealed key under which the records of one subject are marked."""
        key = secrets.token_bytes(KEY_BYTES)
        return _seal(self._key, key, _associated("linking-key", self._operator_id, str(subject_id)))

    def mark(self, linking_key: bytes, subject_id: UUID) -> bytes:
        """Return the 16-byte mark that ties records to a subject until the linking key is destroyed."""
        key = _open(self._key, linking_key, _associated("linking-key", self._operator_id, str(subject_id)))
        return hmac.digest(key, b"countenance subject mark", hashlib.sha256)[:16]

    def seal_secret(self, name: str, value: bytes) -> bytes:
        """Return a small secret of the operator's own, sealed under a name and for no other."""
        return _seal(self._key, value, _associated("secret", self._operator_id, name))

    def open_secret(self, name: str, sealed: bytes) -> bytes:
        """Return the secret that was sealed under this name; raises IntegrityError for any other."""
        return _open(self._key, sealed, _associated("secret", self._operator_id, name))

    def request_mark(self, request: bytes) -> bytes:
        """Return a keyed digest of a request, so that a repeat is known without a bare digest of a picture kept."""
        key = hmac.digest(self._key, b"countenance request mark", hashlib.sha256)
        return hmac.digest(key, request, hashlib.sha256)


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
