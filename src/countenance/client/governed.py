"""What an officer governs, and what the law is asked about beside the faces themselves."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from countenance.client.travel import Connected


class Governed(Connected):
    """Purposes and devices, staff, authorisations, checks, analyses and originals."""

    def activate(self, purpose: str) -> dict[str, Any]:
        """Activate a purpose; until then no face is processed for it."""
        return self._json("POST", f"/v1/purposes/{quote(purpose, safe='')}/activate", {})

    def register(self, device: str, *, purpose: str) -> dict[str, Any]:
        """Register a device where it stands now."""
        return self._json("POST", f"/v1/devices/{quote(device, safe='')}/register", {"purpose": purpose})

    def deactivate(self, purpose: str) -> dict[str, Any]:
        """Let a purpose serve for nothing from the next decision on."""
        return self._json("POST", f"/v1/purposes/{quote(purpose, safe='')}/deactivate", {})

    def unregister(self, device: str) -> dict[str, Any]:
        """Let nothing be done at a device from the next decision on."""
        return self._json("POST", f"/v1/devices/{quote(device, safe='')}/unregister", {})

    def readiness(self, purpose: str) -> dict[str, Any]:
        """Return what the law would find if a purpose were activated now; nothing is done."""
        return self._json("GET", f"/v1/purposes/{quote(purpose, safe='')}/readiness")

    def device_readiness(self, device: str, *, purpose: str) -> dict[str, Any]:
        """Return what the law would find if a device were registered now; nothing is done."""
        return self._json("GET", f"/v1/devices/{quote(device, safe='')}/readiness", query={"purpose": purpose})

    def staff(self) -> dict[str, Any]:
        """List the members of staff."""
        return self._json("GET", "/v1/staff")

    def add_staff(self, staff: str, *, name: str) -> dict[str, Any]:
        """Put a person on the list of staff, under a code that will mean this person for ever."""
        return self._json("POST", "/v1/staff", {"staff": staff, "name": name})

    def retire_staff(self, staff: str) -> dict[str, Any]:
        """Retire a member of staff; every credential they hold is revoked."""
        return self._json("POST", f"/v1/staff/{quote(staff, safe='')}/retire", {})

    def capture(self, *, purpose: str, device: str | None = None) -> dict[str, Any]:
        """Ask whether a device may capture now."""
        return self._json("POST", "/v1/capture", {"purpose": purpose, "device": device})

    def reuse(self, *, subject: str, origin: str, purpose: str) -> dict[str, Any]:
        """Ask whether a subject's data collected for `origin` may be used for another purpose."""
        return self._json("POST", "/v1/reuse", {"subject": subject, "origin": origin, "purpose": purpose})

    def disclose(self, *, subject: str, purpose: str, destination: str) -> dict[str, Any]:
        """Ask whether a subject's data may be disclosed: `destination` is local, private_network or internet."""
        said = {"subject": subject, "purpose": purpose, "destination": destination}
        return self._json("POST", "/v1/disclose", said)

    def finalise(
        self, record: str, *, decision: str, human: bool | None = None, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """Make a decision on record final, once, as reviewer: `decision` is upheld or overturned.

        Without a key of yours one is made, so that a retry of the connection is safe; a second call is a Problem.
        """
        said = {"record": record, "decision": decision, "human": human}
        headers = {"Idempotency-Key": idempotency_key or uuid4().hex}
        return self._json("POST", "/v1/finalise", said, headers=headers)

    def identify_remote(self, sample: bytes, *, purpose: str, device: str | None = None) -> dict[str, Any]:
        """Ask whether a picture shows one of the persons that a live authorisation names."""
        return self._picture("/v1/identify_remote", sample, {"purpose": purpose, "device": device}, None, {})

    def analyse(
        self,
        sample: bytes,
        *,
        attribute: str,
        purpose: str,
        subject: str | None = None,
        device: str | None = None,
        session: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Ask for one word about the face in a picture: `attribute` is pose, quality or attack."""
        fields = {"attribute": attribute, "purpose": purpose, "subject": subject, "device": device}
        return self._picture("/v1/analyse", sample, fields, session, {})

    def keep_original(
        self, sample: bytes, *, subject: str, purpose: str, expires_at: str, device: str | None = None
    ) -> dict[str, Any]:
        """Keep a picture sealed until an end."""
        fields = {"subject": subject, "purpose": purpose, "expires_at": expires_at, "device": device}
        return self._picture("/v1/keep_original", sample, fields, None, {})

    def originals(self, *, most: int | None = None) -> dict[str, Any]:
        """List the originals that are kept, without their content."""
        return self._json("GET", "/v1/originals", query={"most": most})

    def filing(self) -> dict[str, Any]:
        """Return how near the lines are from which a filing is demanded, and how long there is to file."""
        return self._json("GET", "/v1/filing")

    def filing_statement(self) -> dict[str, Any]:
        """Return the statement: the count with its bounds, its peak and its days, the duties and the signals."""
        return self._json("GET", "/v1/filing/statement")

    def authorise(
        self,
        *,
        purpose: str,
        ground: str,
        requester: str,
        requested_by_subject: bool,
        issuer: str,
        reference: str,
        devices: Sequence[str],
        ends_at: str,
        subjects: Sequence[str] = (),
        starts_at: str | None = None,
    ) -> dict[str, Any]:
        """Ask for an authorisation; it permits nothing before two other people have approved it."""
        said = {
            "purpose": purpose,
            "ground": ground,
            "requester": requester,
            "requested_by_subject": requested_by_subject,
            "issuer": issuer,
            "reference": reference,
            "devices": list(devices),
            "subjects": list(subjects),
            "starts_at": starts_at,
            "ends_at": ends_at,
        }
        return self._json("POST", "/v1/authorisations", said)

    def approve(self, authorisation: str) -> dict[str, Any]:
        """Approve an authorisation, with a credential that a member of staff holds."""
        return self._json("POST", f"/v1/authorisations/{quote(authorisation, safe='')}/approve", {})

    def revoke_authorisation(self, authorisation: str) -> dict[str, Any]:
        """Revoke an authorisation."""
        return self._json("POST", f"/v1/authorisations/{quote(authorisation, safe='')}/revoke", {})

    def authorisations(self, *, most: int | None = None) -> dict[str, Any]:
        """List the authorisations, newest first."""
        return self._json("GET", "/v1/authorisations", query={"most": most})

    def authorisation(self, authorisation: str) -> dict[str, Any]:
        """Return one authorisation with its approvals and every use of it."""
        return self._json("GET", f"/v1/authorisations/{quote(authorisation, safe='')}")
