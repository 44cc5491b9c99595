"""A reference in two halves: a share that is noise by itself, and the seed of that noise, sealed for the key holder.

Where matching is encrypted, what is kept of a face is the pair of these. The server that searches holds the share and
cannot open the seed; the key holder opens the seed and never sees the share. Only under encryption do the two meet
again (`vault.encrypted`). Splitting is additive secret sharing (Shamir, 1979, of two out of two) in whole numbers
modulo a prime; the seed is sealed by HPKE (RFC 9180).
"""

import hashlib
import secrets
import struct
from dataclasses import dataclass, field
from typing import Final, NoReturn, Self

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from numpy.typing import NDArray

from countenance.errors import IntegrityError, MalformedError
from countenance.vault.wiping import wiping

Numbers = NDArray[np.float32]
Whole = NDArray[np.uint64]

#: Everything is counted modulo this prime; 4096 slots of the encryption need it to be 1 modulo 8192.
MODULUS: Final = 68_719_403_009
#: Features are counted in steps of one 65,536th: an error in a score of at most some 5e-5.
STEPS: Final = 65_536
#: Longer features could make a squared distance that the modulus cannot tell from a small one.
LENGTH_MAX: Final = 1.99
SEED_BYTES: Final = 32
#: The key holder's public key, and the seed with what HPKE adds to it.
KEY_BYTES: Final = 32
SEALED_BYTES: Final = 80

#: The stored form: as templates have it (`compare`), with a number of its own.
_HEADER: Final = struct.Struct("<4sHH")
_MAGIC: Final = b"CNTF"
_FORM: Final = 3
_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
#: Words beyond this would make some remainders more likely than others; one in 2^28 is drawn again.
_WORD_MAX: Final = (2**64 // MODULUS) * MODULUS
_SPARE: Final = 16


@dataclass(frozen=True, slots=True)
class Share:
    """One reference as it is kept where matching is encrypted; `holder` is the public key its seed is sealed for."""

    values: Whole = field(repr=False)
    seed: bytes = field(repr=False)
    holder: bytes

    def to_bytes(self) -> bytes:
        """Return what is sealed and kept: a header, the holder's key, the sealed seed, little-endian 64-bit numbers."""
        head = _HEADER.pack(_MAGIC, _FORM, self.values.size)
        return head + self.holder + self.seed + self.values.astype("<u8").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes | bytearray) -> Self:
        """Read what `to_bytes` wrote; raises MalformedError where it is nothing of the kind."""
        start = _HEADER.size + KEY_BYTES + SEALED_BYTES
        if is_share(data) and len(data) > start and len(data) == start + 8 * _HEADER.unpack_from(data)[2]:
            values = wiping(np.frombuffer(data, "<u8", offset=start), np.uint64)
            if values.max() < MODULUS:
                sealed = slice(_HEADER.size + KEY_BYTES, start)
                return cls(values, bytes(data[sealed]), bytes(data[_HEADER.size : sealed.start]))
        raise MalformedError("A stored share is not in the form expected.", "已存的加密模板份额格式不符。")

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled."""
        raise TypeError


def is_share(data: bytes | bytearray) -> bool:
    """Say whether a template that was kept is a share."""
    return len(data) >= _HEADER.size and _HEADER.unpack_from(data)[:2] == (_MAGIC, _FORM)


def whole(numbers: Numbers) -> NDArray[np.int64]:
    """Return features in whole steps; raises IntegrityError for what is too long for the modulus, or not finite."""
    exact = numbers.astype(np.float64)
    if not float(np.linalg.norm(exact)) <= LENGTH_MAX:  # false for what is not a number
        raise IntegrityError(
            "This model's features are too long for encrypted matching. Use another model for this purpose, or plain "
            "matching.",
            "此模型的特征长度超出加密比对范围。请改用其他模型或普通比对。",
        )
    return np.rint(exact * STEPS).astype(np.int64)


def split(numbers: Numbers, holder: bytes, place: bytes) -> Share:
    """Split features so that neither half says anything of them; the seed opens for `place` only.

    A share has one value more than there are features: the squared length, which a distance needs.
    """
    counted = whole(numbers)
    kept = np.append(counted, np.square(counted).sum()) % MODULUS
    seed = secrets.token_bytes(SEED_BYTES)
    sealed = _SUITE.encrypt(seed, X25519PublicKey.from_public_bytes(holder), place)
    return Share((kept.astype(np.uint64) + noise(seed, kept.size)) % MODULUS, sealed, holder)


def noise(seed: bytes, count: int) -> Whole:
    """Return the values that a seed stands for, each as likely as any other (SHAKE-256, FIPS 202)."""
    words = np.frombuffer(hashlib.shake_256(seed).digest(8 * (count + _SPARE)), "<u8")
    even = words[words < np.uint64(_WORD_MAX)][:count]
    if even.size < count:  # sixteen words in a row beyond the bound: never, and not to be guessed around
        raise IntegrityError("A seed gave too little noise.", "随机种子不可用。")
    return even.astype(np.uint64) % MODULUS


def open_seed(sealed: bytes, key: X25519PrivateKey, place: bytes) -> bytes:
    """Return a seed; raises IntegrityError where it was sealed for another key or place."""
    try:
        seed = _SUITE.decrypt(sealed, key, place)
    except (InvalidTag, ValueError):
        seed = b""
    if len(seed) != SEED_BYTES:
        raise IntegrityError(
            "A seed does not open where it lies: it was moved, changed, or belongs to another key holder.",
            "种子无法打开：可能已被移动、篡改或属于其他密钥持有进程。",
        )
    return seed
