"""The vaults of all operators, each opened when it is first needed."""

import threading

from countenance.vault.keyring import Keyring
from countenance.vault.keys import KeyProvider
from countenance.vault.sealing import Vault


class Vaults:
    """Hands out one vault per operator; a missing key is an error, never a new key."""

    def __init__(self, keys: KeyProvider) -> None:
        """Open nothing yet."""
        self._keys = keys
        self._open: dict[str, Vault] = {}
        self._lock = threading.Lock()

    def of(self, operator_id: str) -> Vault:
        """Return the operator's vault; raises UnavailableError where its key is missing or unsafe."""
        with self._lock:
            vault = self._open.get(operator_id)
            if vault is None:
                vault = self._open[operator_id] = Vault(operator_id, Keyring(self._keys, operator_id))
            return vault

    def __reduce__(self) -> tuple[object, ...]:
        """Refuse to be pickled: keys may not leave the process."""
        raise TypeError
