"""The operator's log: how far it is signed, its files, and the proof that a record stands in it."""

from typing import Any
from urllib.parse import quote

from countenance.client.travel import Connected


class Logs(Connected):
    """The log (C2SP tlog-tiles); its files need no credential."""

    def log(self) -> dict[str, Any]:
        """Return the log's name, its public key, how many entries are signed, and the root over them."""
        return self._json("GET", "/v1/log")

    def log_file(self, operator: str, generation: int, path: str) -> bytes:
        """Return a file of a log: `checkpoint`, `cosigned`, `vkey`, or a tile like `tile/0/x001/234`."""
        return self._file(f"/log/{quote(operator, safe='')}/{generation}/{quote(path)}", "*/*")

    def record_proof(self, record: str) -> bytes:
        """Return the proof (C2SP tlog-proof) that a record stands in the log."""
        return self._file(f"/v1/records/{quote(record, safe='')}/proof", "text/plain")
