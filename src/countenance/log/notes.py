"""Signed notes (C2SP signed-note), checkpoints (tlog-checkpoint) and cosignatures of witnesses (tlog-cosignature)."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from countenance.errors import IntegrityError, MalformedError
from countenance.log.tree import HASH_BYTES, SIZE_MAX

#: No note is longer: room for a hundred signatures.
NOTE_BYTES_MAX: Final = 1 << 16
SIGNATURES_MAX: Final = 100
_SIGNATURE_BYTES: Final = 64
_TIME_BYTES: Final = 8
_ID_BYTES: Final = 4
_LINES_MIN: Final = 3
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")
_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,18}")


class SignatureKind(IntEnum):
    """What a signature is over: the note itself, or the note and the time at which a witness saw it."""

    ED25519 = 1
    COSIGNATURE = 4


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key with its name: whose signatures count."""

    name: str
    kind: SignatureKind
    public: bytes

    @property
    def key_id(self) -> bytes:
        """Return the four bytes by which a signature line names its key."""
        return hashlib.sha256(f"{self.name}\n".encode() + bytes([self.kind]) + self.public).digest()[:_ID_BYTES]

    def as_vkey(self) -> str:
        """Return the key as it is handed on: name, identifier and key in one line."""
        return f"{self.name}+{self.key_id.hex()}+{_base64(bytes([self.kind]) + self.public)}"

    @classmethod
    def of_vkey(cls, vkey: str) -> "Verifier":
        """Return the key that a line describes; raises MalformedError for one that is none, or of another kind."""
        name, _, rest = vkey.strip().partition("+")
        identifier, _, coded = rest.partition("+")
        key = _unbase64(coded)
        if not _named(name) or key is None or len(key) != 1 + HASH_BYTES or key[0] not in set(SignatureKind):
            raise _no_key()
        found = cls(name, SignatureKind(key[0]), key[1:])
        if found.key_id.hex() != identifier:
            raise _no_key()
        return found

    def holds(self, text: str, signature: bytes) -> bool:
        """Return whether this key made the signature (without the key's identifier) over a note's text."""
        message = text.encode()
        if self.kind is SignatureKind.COSIGNATURE:
            if len(signature) != _TIME_BYTES + _SIGNATURE_BYTES:
                return False
            message = _cosigned(text, int.from_bytes(signature[:_TIME_BYTES]))
            signature = signature[_TIME_BYTES:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


class Signer:
    """A private key with its name. It shows neither in a repr nor in a copy."""

    def __init__(self, name: str, seed: bytes | bytearray, kind: SignatureKind = SignatureKind.ED25519) -> None:
        """Take a key of 32 bytes; raises MalformedError for a name that notes cannot carry."""
        if not _named(name):
            raise MalformedError(
                "A log's name is not empty and has neither spaces nor a plus sign.",
                "日志名称不得为空，且不得含空格或加号。",
            )
        self._key = Ed25519PrivateKey.from_private_bytes(bytes(seed))
        self.verifier = Verifier(name, kind, self._key.public_key().public_bytes_raw())

    def sign(self, text: str, seconds: int = 0) -> str:
        """Return the signature line for a note's text, which a witness gives the time for (seconds since 1970)."""
        key = self.verifier
        if key.kind is SignatureKind.COSIGNATURE:
            signature = seconds.to_bytes(_TIME_BYTES) + self._key.sign(_cosigned(text, seconds))
        else:
            signature = self._key.sign(text.encode())
        return f"— {key.name} {_base64(key.key_id + signature)}\n"

    def __repr__(self) -> str:
        return f"Signer({self.verifier.name!r})"

    def __reduce__(self) -> str:
        raise TypeError("A signing key is not copied.")


@dataclass(frozen=True, slots=True)
class Note:
    """A note taken apart: its text, and its signatures as (name, identifier and signature, line)."""

    text: str
    signatures: tuple[tuple[str, bytes, str], ...]

    @classmethod
    def parse(cls, encoded: bytes) -> "Note":
        """Take a note apart, its signatures unverified; raises MalformedError for what is none."""
        try:
            note = encoded.decode() if len(encoded) <= NOTE_BYTES_MAX else ""
        except UnicodeDecodeError:
            note = ""
        text, gap, lines = note.rpartition("\n\n")
        if not gap or not lines.endswith("\n") or _CONTROL.search(note):
            raise _no_note()
        signatures = [_signature(line) for line in lines[:-1].split("\n")]
        if len(signatures) > SIGNATURES_MAX:
            raise _no_note()
        return cls(f"{text}\n", tuple(signatures))

    def signed_by(self, verifiers: Iterable[Verifier]) -> dict[Verifier, str]:
        """Return the line of each of these keys that signed; raises IntegrityError for a signature that is wrong.

        Signatures by other keys are passed over.
        """
        known = {(each.name, each.key_id): each for each in verifiers}
        found: dict[Verifier, str] = {}
        for name, signature, line in self.signatures:
            verifier = known.get((name, signature[:_ID_BYTES]))
            if verifier is None:
                continue
            if not verifier.holds(self.text, signature[_ID_BYTES:]):
                raise IntegrityError("A signature of the log does not hold.", "日志签名无效。")
            found[verifier] = line
        return found


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself at a size: its origin, how many entries it has, and the root over them."""

    origin: str
    size: int
    root: bytes

    def as_text(self) -> str:
        """Return the text that is signed."""
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Read a checkpoint's text; lines beyond the third are passed over. Raises MalformedError for another text."""
        origin, written, coded, *more = text.split("\n") if text.count("\n") >= _LINES_MIN else ("", "", "")
        size, root = decimal(written), _unbase64(coded)
        if not origin or size is None or root is None or len(root) != HASH_BYTES or more[-1] or not all(more[:-1]):
            raise MalformedError("This is no checkpoint of a log.", "这不是日志检查点。")
        return cls(origin, size, root)


def signed(checkpoint: Checkpoint, signer: Signer) -> bytes:
    """Return the signed note of a checkpoint."""
    text = checkpoint.as_text()
    return f"{text}\n{signer.sign(text)}".encode()


def opened(encoded: bytes, log: Verifier) -> tuple[Checkpoint, Note]:
    """Return the checkpoint of a note that this log signed.

    Raises MalformedError for what is no checkpoint, IntegrityError where the log's signature is missing or wrong, or
    the checkpoint is another log's.
    """
    note = Note.parse(encoded)
    if log not in note.signed_by([log]):
        raise IntegrityError("The checkpoint is not signed by this log.", "检查点未由该日志签名。")
    checkpoint = Checkpoint.parse(note.text)
    if checkpoint.origin != log.name:
        raise IntegrityError("The checkpoint is another log's.", "检查点属于另一日志。")
    return checkpoint, note


def decimal(written: str) -> int | None:
    """Return a size as the specifications write it, None for what is none."""
    return int(written) if _DECIMAL.fullmatch(written) and int(written) <= SIZE_MAX else None


def hash_line(line: str) -> bytes:
    """Return the hash that a line of a proof holds; raises MalformedError for another line."""
    found = _unbase64(line)
    if found is None or len(found) != HASH_BYTES:
        raise MalformedError("A line of the proof is no hash.", "证明中有一行不是哈希值。")
    return found


def as_line(digest: bytes) -> str:
    """Return a hash as a line of a proof."""
    return f"{_base64(digest)}\n"


def _signature(line: str) -> tuple[str, bytes, str]:
    mark, _, rest = line.partition(" ")
    name, _, coded = rest.partition(" ")
    signature = _unbase64(coded)
    if mark != "—" or not _named(name) or signature is None or len(signature) <= _ID_BYTES:
        raise _no_note()
    return name, signature, f"{line}\n"


def _cosigned(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def _named(name: str) -> bool:
    return bool(name) and "+" not in name and not any(each.isspace() for each in name) and name.isprintable()


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _unbase64(written: str) -> bytes | None:
    """Return what was written in base64, None where it is not, or could be written in another way."""
    try:
        value = base64.b64decode(written, validate=True)
    except (binascii.Error, ValueError):
        return None
    return value if written and _base64(value) == written else None


def _no_note() -> MalformedError:
    return MalformedError("This is no signed note.", "这不是签名文本。")


def _no_key() -> MalformedError:
    return MalformedError(
        "This is no key of a log or witness: it is like name+1a2b3c4d+base64.",
        "这不是日志或见证者的公钥：其形式如 name+1a2b3c4d+base64。",
    )
