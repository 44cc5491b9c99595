"""The key holder: the one process that can read scores, and that says of them no more than who passes.

It holds the key that seeds are sealed for, in a folder of its own, and while it lives a key of the encryption. It never
sees a reference, a share or a probe: for a block of references it is given their sealed seeds, and returns the noise
they stand for under encryption; of a search it is given encrypted scores, and returns which of the slots asked about
reach a threshold of its own, the best first.
"""

import secrets
import threading
from collections.abc import Mapping, Sequence
from typing import Final, NoReturn, Protocol

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from countenance.errors import ConflictError, IntegrityError, MalformedError, UnavailableError
from countenance.vault.keyring import wipe
from countenance.vault.keys import KeyProvider
from countenance.vault.lattice import SLOTS, SecretArithmetic
from countenance.vault.shares import MODULUS, STEPS, noise, open_seed

#: Under this name the key lies with its provider.
NAME: Final = "keyholder"
#: More numbers than this has no reference.
VALUES_MAX: Final = 4096
_SESSION_BYTES: Final = 16


class Holding(Protocol):
    """What the server asks of a key holder, wherever that runs; all raise UnavailableError where it does not answer."""

    def public_key(self) -> bytes:
        """Return the key that seeds are sealed for."""

    def columns(self, seeds: Sequence[tuple[bytes, bytes]], count: int) -> tuple[bytes, list[bytes]]:
        """Return the session, and for each of `count` values a ciphertext: what to add to the shares, slot by slot.

        A seed comes with the place it was sealed for. Raises IntegrityError for one that does not open there.
        """

    def passing(self, session: bytes, target: str, scores: bytes, slots: Sequence[int], most: int) -> list[int]:
        """Return those of the slots whose score reaches the threshold of a target, the best first.

        Raises ConflictError for what was encrypted in another session.
        """


class KeyHolder:
    """A key holder with its keys; one process has one."""

    def __init__(self, provider: KeyProvider, thresholds: Mapping[str, float]) -> None:
        """Open the key; `thresholds` are scores (negative squared distances) by the target they stand for.

        Raises UnavailableError where the key is missing, loose or damaged: no new one is made in silence.
        """
        secret = _opened(provider)
        try:
            self._key = X25519PrivateKey.from_private_bytes(bytes(secret))
        finally:
            wipe(secret)
        self._limits = {target: round(-score * STEPS * STEPS) for target, score in thresholds.items()}
        self._arithmetic = SecretArithmetic()
        self._session = secrets.token_bytes(_SESSION_BYTES)
        self._lock = threading.Lock()

    def public_key(self) -> bytes:
        """Return the key that seeds are sealed for."""
        return self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def columns(self, seeds: Sequence[tuple[bytes, bytes]], count: int) -> tuple[bytes, list[bytes]]:
        """Return the session, and for each of `count` values a ciphertext; see `Holding`."""
        if not 0 < len(seeds) <= SLOTS or not 0 < count <= VALUES_MAX:
            raise _too_much()
        taken_away = np.zeros((count, len(seeds)), np.uint64)
        for slot, (sealed, place) in enumerate(seeds):
            taken_away[:, slot] = MODULUS - noise(open_seed(sealed, self._key, place), count)
        with self._lock:
            return self._session, [self._arithmetic.encrypted(values % MODULUS) for values in taken_away]

    def passing(self, session: bytes, target: str, scores: bytes, slots: Sequence[int], most: int) -> list[int]:
        """Return those of the slots whose score reaches the threshold of a target, the best first; see `Holding`."""
        if not secrets.compare_digest(session, self._session):
            raise ConflictError("This was encrypted in another session.", "密文属于其他会话。")
        if target not in self._limits or len(slots) > SLOTS or any(not 0 <= slot < SLOTS for slot in slots):
            raise _too_much()
        with self._lock:
            apart = self._arithmetic.read(self._arithmetic.from_bytes(scores))[list(slots)]
        order = np.argsort(apart, kind="stable")
        return [slots[at] for at in order if apart[at] <= self._limits[target]][:most]

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: keys may not leave the process."""
        raise TypeError


def make_key(provider: KeyProvider) -> None:
    """Make the key that seeds are sealed for; raises IntegrityError where there is one."""
    try:
        provider.create(NAME)
    except IntegrityError as error:
        raise IntegrityError("The key holder has a key already.", "密钥持有进程已有密钥。") from error


def _opened(provider: KeyProvider) -> bytearray:
    try:
        return provider.open(NAME)
    except UnavailableError as error:
        raise UnavailableError(
            "The key holder's key is missing, damaged, or can be read by others (its mode is 0600). Put it back from "
            "its backup. Only where nobody is enrolled under encryption yet, make one: countenance keyholder make",
            "密钥持有进程的密钥缺失、损坏或可被他人读取（权限应为 0600）。请从备份恢复；"
            "仅在尚无人以加密方式登记时才可新建：countenance keyholder make",
        ) from error


def _too_much() -> MalformedError:
    return MalformedError("The key holder cannot read what it was asked.", "密钥持有进程无法识别请求。")
