"""What whoever holds a receipt can do: `Client(url, token)` with the receipt's token in place of a credential."""

from typing import Any
from urllib.parse import urlencode

from countenance.client.travel import Connected


class Receipts(Connected):
    """Receipts: taken by a device or an officer after a use, and shown by whoever holds one."""

    def take_receipt(self, record: str) -> dict[str, Any]:
        """Make the receipt of a use this credential recorded just now; the answer's `token` is never shown again."""
        return self._json("POST", "/v1/receipts", {"record": record})

    def receipt(self) -> dict[str, Any]:
        """Show what the receipt is about, and how that stands now."""
        return self._json("GET", "/v1/receipt")

    def receipt_uses(self, *, before: str | None = None, most: int | None = None) -> dict[str, Any]:
        """List every use of the consent, newest first; `before` is the `next` of the page before."""
        return self._json("GET", "/v1/receipt/uses", query={"before": before, "most": most})

    def receipt_withdraw(self) -> dict[str, Any]:
        """Take the consent back, and return the certificate of erasure."""
        return self._json("POST", "/v1/receipt/withdraw")

    def receipt_certificate(self) -> dict[str, Any]:
        """Return the certificate of erasure again."""
        return self._json("GET", "/v1/receipt/certificate")

    def receipt_qr(self) -> str:
        """Return the QR code that opens the receipt, as SVG."""
        return self._file("/v1/receipt/qr", "image/svg+xml").decode()

    def receipt_proof(self, record: str | None = None) -> bytes:
        """Return the proof (C2SP tlog-proof) that a record stands in the log: the one named, or the receipt's own."""
        named = "" if record is None else f"?{urlencode({'record': record})}"
        return self._file(f"/v1/receipt/proof{named}", "text/plain")
