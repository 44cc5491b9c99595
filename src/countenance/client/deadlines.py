"""What ends when, and who was reminded."""

from typing import Any

from countenance.client.travel import Connected


class Deadlines(Connected):
    """The operator's clocks."""

    def deadlines(self) -> dict[str, Any]:
        """Return every clock, over first, with what to do next; and the newest reminders with what became of them."""
        return self._json("GET", "/v1/filing/deadlines")
