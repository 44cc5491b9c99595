"""Speaks to a Countenance server: `Client(url, token)`; standard library only, so that a kiosk needs nothing else.

Answers are the dictionaries that the interface describes (/v1/openapi.json). What is not a success is raised: a refusal
by the law as `Refused`, a picture that gives nothing to compare as `NotAcquired`, one that may be an attack as
`AttackSuspected`, anything else as `Problem`.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from countenance.client.deadlines import Deadlines
from countenance.client.governed import Governed
from countenance.client.logs import Logs
from countenance.client.receipts import Receipts
from countenance.client.rights import Rights
from countenance.client.travel import AttackSuspected, NotAcquired, Problem, Refused, Unreachable

__all__ = ["AttackSuspected", "Client", "NotAcquired", "Problem", "Refused", "Unreachable"]


class Client(Governed, Receipts, Rights, Logs, Deadlines):
    """One server and one credential, or one receipt; safe to use from many threads. Its repr hides it."""

    # Faces.

    def challenge(self, *, action: str, purpose: str) -> dict[str, Any]:
        """Ask for head turns to show to the person at this device before an act; the answer has the steps in order."""
        return self._json("POST", "/v1/challenges", {"action": action, "purpose": purpose})

    def enrol(
        self,
        sample: bytes | Sequence[bytes],
        *,
        subject: str,
        purpose: str,
        device: str | None = None,
        session: Mapping[str, Any] | None = None,
        challenge: str | None = None,
        steps: Sequence[int] = (),
        idempotency_key: str | None = None,
        double_confirmed: bool = False,
    ) -> dict[str, Any]:
        """Keep one more reference of a subject; without a key of yours one is made, so that a retry is safe.

        `double_confirmed` is an officer's word that a face that is enrolled already is another person's.
        """
        fields = {"subject": subject, "purpose": purpose, "device": device, **_answering(challenge, steps)}
        fields |= {"double_confirmed": "true"} if double_confirmed else {}
        headers = {"Idempotency-Key": idempotency_key or uuid4().hex}
        return self._picture("/v1/enrol", sample, fields, session, headers)

    def verify(
        self,
        sample: bytes | Sequence[bytes],
        *,
        subject: str,
        purpose: str,
        device: str | None = None,
        session: Mapping[str, Any] | None = None,
        challenge: str | None = None,
        steps: Sequence[int] = (),
    ) -> dict[str, Any]:
        """Ask whether a picture, or the best of several, shows the subject; `steps` has the step of each picture."""
        fields = {"subject": subject, "purpose": purpose, "device": device, **_answering(challenge, steps)}
        return self._picture("/v1/verify", sample, fields, session, {})

    def identify(
        self,
        sample: bytes | Sequence[bytes],
        *,
        consent: str,
        purpose: str,
        device: str | None = None,
        session: Mapping[str, Any] | None = None,
        challenge: str | None = None,
        steps: Sequence[int] = (),
    ) -> dict[str, Any]:
        """Ask which subject enrolled for a purpose a picture shows, with the consent of the person at the device."""
        fields = {"consent": consent, "purpose": purpose, "device": device, **_answering(challenge, steps)}
        return self._picture("/v1/identify", sample, fields, session, {})

    # Subjects.

    def serve_notice(
        self, *, purpose: str, language: str, variant: str = "standard", version: int | None = None
    ) -> dict[str, Any]:
        """Serve the notice in force: show or read the answer's `text`, then ask; its `served` goes into `consent`."""
        said = {"purpose": purpose, "language": str(language), "variant": str(variant), "version": version}
        return self._json("POST", "/v1/notices/served", said)

    def consent(
        self,
        *,
        purpose: str,
        decision: str,
        served: str | None = None,
        paper: Mapping[str, Any] | None = None,
        subject: str | None = None,
        form: str | None = None,
        scopes: Sequence[str] = (),
        age_class: str | None = None,
        guardian: Mapping[str, Any] | None = None,
        expires_at: str | None = None,
    ) -> dict[str, Any]:
        """Write down what a subject decided: `decision` is given or refused; no `subject` is for this session only.

        `served` is what `serve_notice` gave; an officer may send `paper` instead, with its `notice_version` and the
        scan's `evidence_sha256`. A child's `guardian` has `ref`, `relation`, `evidence` and `checked_by`.
        """
        said = {
            "purpose": purpose,
            "decision": decision,
            "served": served,
            "paper": paper,
            "subject": subject,
            "form": form,
            "scopes": [str(scope) for scope in scopes],
            "age_class": age_class,
            "guardian": guardian,
            "expires_at": expires_at,
        }
        return self._json("POST", "/v1/consents", said)

    def consents(self, *, subject: str | None = None) -> dict[str, Any]:
        """List what a subject said and where each purpose stands; a subject's own credential names nobody."""
        return self._json("GET", "/v1/consents", query={"subject": subject})

    def export_consent(self, consent: str, *, format: str = "dpv") -> dict[str, Any]:  # noqa: A002 — the interface's word
        """Export one decision: `dpv` is JSON-LD with the fields of ISO/IEC TS 27560, `kantara` Consent Receipt 1.1."""
        return self._json("GET", f"/v1/consents/{quote(consent, safe='')}", query={"format": format})

    def withdraw(self, *, subject: str, purpose: str) -> dict[str, Any]:
        """Take a consent back; what was kept for that purpose is destroyed."""
        return self._json("POST", "/v1/withdraw", {"subject": subject, "purpose": purpose})

    def erase(self, *, subject: str) -> dict[str, Any]:
        """Forget a subject for every purpose."""
        return self._json("POST", "/v1/erase", {"subject": subject})

    # What is on file and on record.

    def operator(self) -> dict[str, Any]:
        """Say who the operator is."""
        return self._json("GET", "/v1/operator")

    def purposes(self) -> dict[str, Any]:
        """List the purposes."""
        return self._json("GET", "/v1/purposes")

    def venues(self) -> dict[str, Any]:
        """List the venues."""
        return self._json("GET", "/v1/venues")

    def places(self) -> dict[str, Any]:
        """List the places."""
        return self._json("GET", "/v1/places")

    def devices(self) -> dict[str, Any]:
        """List the devices."""
        return self._json("GET", "/v1/devices")

    def alternatives(self) -> dict[str, Any]:
        """List the ways that need no face."""
        return self._json("GET", "/v1/alternatives")

    def report_alternative(self, alternative: str, *, working: bool) -> dict[str, Any]:
        """Say that another way works now, or that it is down; where it is down, the face path closes by itself."""
        return self._json("POST", "/v1/alternatives/report", {"alternative": alternative, "working": working})

    def choose(
        self,
        way: str,
        *,
        purpose: str,
        venue: str | None = None,
        seconds: int | None = None,
        steps: int | None = None,
        idempotency_key: str | None = None,
    ) -> dict[str, Any]:
        """Write down how a session ended: `way` is face, alternative, refused or abandoned.

        An officer names the venue. Without a key of yours one is made, so that a retry is safe.
        """
        said = {"way": way, "purpose": purpose, "venue": venue, "seconds": seconds, "steps": steps}
        return self._json("POST", "/v1/choices", said, headers={"Idempotency-Key": idempotency_key or uuid4().hex})

    def parity(self, *, since: str | None = None, until: str | None = None) -> dict[str, Any]:
        """Compare the face with the other way in each venue, over the last thirty days or those named."""
        return self._json("GET", "/v1/parity", query={"since": since, "until": until})

    def notices(self, *, purpose: str | None = None) -> dict[str, Any]:
        """List the newest notice of each purpose, or of one."""
        return self._json("GET", "/v1/notices", query={"purpose": purpose})

    def records(
        self,
        *,
        kind: str | None = None,
        outcome: str | None = None,
        since: str | None = None,
        most: int | None = None,
    ) -> dict[str, Any]:
        """List what is on record, newest first."""
        return self._json("GET", "/v1/records", query={"kind": kind, "outcome": outcome, "since": since, "most": most})

    def record(self, record_id: str) -> dict[str, Any]:
        """Return one record."""
        return self._json("GET", f"/v1/records/{quote(record_id, safe='')}")

    def subject_records(self, subject: str, *, most: int | None = None) -> dict[str, Any]:
        """List what was done with one subject's data."""
        return self._json("GET", f"/v1/subjects/{quote(subject, safe='')}/records", query={"most": most})

    # Who may call, and how the server is.

    def issue_credential(
        self,
        *,
        role: str,
        label: str,
        device: str | None = None,
        subject: str | None = None,
        staff: str | None = None,
        expires_at: str | None = None,
    ) -> dict[str, Any]:
        """Make a credential; the answer's `token` is never shown again."""
        said = {"role": role, "label": label, "device": device, "subject": subject, "staff": staff}
        return self._json("POST", "/v1/credentials", said | {"expires_at": expires_at})

    def credentials(self) -> dict[str, Any]:
        """List the credentials."""
        return self._json("GET", "/v1/credentials")

    def revoke_credential(self, credential_id: str) -> dict[str, Any]:
        """Revoke a credential."""
        return self._json("DELETE", f"/v1/credentials/{quote(credential_id, safe='')}")

    def health(self) -> dict[str, Any]:
        """Ask whether the process answers."""
        return self._json("GET", "/v1/health")

    def ready(self) -> dict[str, Any]:
        """Ask whether requests can be answered; a server that is not ready is a Problem with `parts` in its body."""
        return self._json("GET", "/v1/ready")


def _answering(challenge: str | None, steps: Sequence[int]) -> dict[str, str | None]:
    """Return the fields by which several pictures answer a challenge."""
    return {"challenge": challenge, "steps": ",".join(str(step) for step in steps) or None}
