"""What a subject asks for, and what an officer answers."""

from typing import Any
from urllib.parse import quote

from countenance.client.travel import Connected


class Rights(Connected):
    """Requests with their clock, the copy of what is held, one-time links."""

    def open_request(
        self,
        *,
        kind: str,
        text: str | None = None,
        purpose: str | None = None,
        about_record: str | None = None,
        subject: str | None = None,
    ) -> dict[str, Any]:
        """Ask for something: `kind` is access, correct, complain, human_review or erase; an officer names `subject`."""
        said = {"kind": kind, "text": text, "purpose": purpose, "about_record": about_record, "subject": subject}
        return self._json("POST", "/v1/requests", said)

    def requests(self, *, state: str | None = None, most: int | None = None) -> dict[str, Any]:
        """List requests without their words: those that wait first, by the day they are due."""
        return self._json("GET", "/v1/requests", query={"state": state, "most": most})

    def request(self, request: str) -> dict[str, Any]:
        """Return one request."""
        return self._json("GET", f"/v1/requests/{quote(request, safe='')}")

    def answer_request(
        self, request: str, *, outcome: str, text: str | None = None, age_class: str | None = None
    ) -> dict[str, Any]:
        """Answer a request: `outcome` is granted, refused or partly; the age class is the one that is right."""
        said = {"outcome": outcome, "text": text, "age_class": age_class}
        return self._json("POST", f"/v1/requests/{quote(request, safe='')}/answer", said)

    def own_data(self, *, most: int | None = None, before: str | None = None) -> dict[str, Any]:
        """Return a copy of all that is held about the caller."""
        return self._json("GET", "/v1/subject/data", query={"most": most, "before": before})

    def subject_data(self, subject: str, *, most: int | None = None, before: str | None = None) -> dict[str, Any]:
        """Return a copy of all that is held about a subject."""
        asked = {"most": most, "before": before}
        return self._json("GET", f"/v1/subjects/{quote(subject, safe='')}/data", query=asked)

    def issue_link(self, *, subject: str) -> dict[str, Any]:
        """Make a one-time link for a subject; the answer's `url` is never shown again."""
        return self._json("POST", "/v1/links", {"subject": subject})
