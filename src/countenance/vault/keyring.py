"""The generations of one operator's key in memory: the newest seals, every one that is still there opens."""

import hashlib
import hmac
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NoReturn

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from countenance.errors import UnavailableError
from countenance.vault.keys import KeyProvider

#: So long a process may go on sealing under a generation after another process has made a newer one.
LOOK_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Key:
    """One generation of the operator's key: the cipher that holds it, and a key derived from it for marks."""

    generation: int
    cipher: AESGCM = field(repr=False)
    marking: bytes = field(repr=False)

    @classmethod
    def of(cls, generation: int, secret: bytearray) -> "Key":
        """Take a key in and wipe it where it was; from then on only the cipher holds it."""
        try:
            marking = hmac.digest(secret, b"countenance request mark", hashlib.sha256)
            return cls(generation, AESGCM(secret), marking)
        finally:
            wipe(secret)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: keys may not leave the process."""
        raise TypeError


class Keyring:
    """Opens keys when they are first needed, and lets those go that were taken away."""

    def __init__(self, provider: KeyProvider, operator_id: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Open the newest generation; raises UnavailableError where there is none, or it is not safe to use."""
        self._provider = provider
        self._operator_id = operator_id
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[int, Key] = {}
        self._generations: list[int] = []
        self._looked = clock() - LOOK_SECONDS
        self.newest()

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: keys may not leave the process."""
        raise TypeError

    def newest(self) -> Key:
        """Return the generation that seals; raises UnavailableError where it is not usable."""
        with self._lock:
            self._look()
            return self._opened(self._generations[-1])

    def of(self, generation: int) -> Key:
        """Return a generation that something was sealed under; raises UnavailableError where it is not usable."""
        with self._lock:
            self._look(at_once=generation not in self._generations)
            return self._opened(generation)

    def every(self) -> list[Key]:
        """Return every generation that is there, the newest first."""
        with self._lock:
            self._look()
            return [self._opened(generation) for generation in reversed(self._generations)]

    def _look(self, *, at_once: bool = False) -> None:
        """See which generations there are, if that was not done just now; those that are gone are let go."""
        now = self._clock()
        if now - self._looked < LOOK_SECONDS and not at_once:
            return
        found = self._provider.generations(self._operator_id)
        if not found:
            self._provider.open(self._operator_id)  # says what is missing
            raise UnavailableError("The operator has no key.", "该运营者没有密钥。")
        self._generations, self._looked = found, now
        for gone in self._held.keys() - set(found):
            del self._held[gone]

    def _opened(self, generation: int) -> Key:
        key = self._held.get(generation)
        if key is None:
            secret = self._provider.open(self._operator_id, generation)
            key = self._held[generation] = Key.of(generation, secret)
        return key


def wipe(key: bytearray) -> None:
    """Write zeros over a key; copies that a library made of it are beyond the reach of Python."""
    key[:] = bytes(len(key))
