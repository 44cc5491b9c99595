"""One decision as others read it: a consent record of ISO/IEC TS 27560 in terms of the W3C's DPV, or a Kantara receipt.

Nothing is fetched: vocabularies are named by constants. The notice is named by its digest (RFC 6920).
"""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from countenance.errors import ConflictError, NotFoundError
from countenance.store import served as served_store
from countenance.store import sites
from countenance.store import subjects as store
from countenance.store.database import Transaction
from countenance.store.served import ServedRow
from countenance.store.subjects import ConsentEvent, SubjectRow
from countenance.subjects.consents import GIVEN, REFUSED, WITHDRAWN
from countenance.subjects.notices import text_of
from countenance.subjects.standing import state_of
from countenance.vocabulary import ConsentState, Language, Relation, Scope, Variant

#: The profile of TS 27560 that the record follows.
CONFORMS_TO: Final = "https://w3id.org/dpv/schema/dpv-27560#record"
CONTEXT: Final = {
    "dpv": "https://w3id.org/dpv#",
    "pd": "https://w3id.org/dpv/pd#",
    "loc": "https://w3id.org/dpv/loc#",
    "dct": "http://purl.org/dc/terms/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "schema": "https://schema.org/",
}
KANTARA_VERSION: Final = "KI-CR-v1.1.0"
#: Where the law of the packs applies.
JURISDICTION: Final = "CN"
_STATUS: Final = {GIVEN: "dpv:ConsentGiven", REFUSED: "dpv:ConsentRefused", WITHDRAWN: "dpv:ConsentWithdrawn"}
_PROCESSING: Final = {
    Scope.ENROL: "dpv:Collect",
    Scope.VERIFY: "dpv:Match",
    Scope.IDENTIFY: "dpv:Match",
    Scope.OFF_DEVICE_STORAGE: "dpv:Store",
    Scope.KEEP_ORIGINAL: "dpv:Store",
    Scope.ANALYSE: "dpv:Analyse",
    Scope.DISCLOSE: "dpv:Disclose",
    Scope.REUSE: "dpv:Use",
}
_MAIL: Final = re.compile(r"[^\s@<>(),;]+@[^\s@<>(),;]+")
_PHONE: Final = re.compile(r"\+?\d(?:[\s()-]*\d){6,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One yes or no with all that an export of it says; `ended_by` is what was said after it, if anything was."""

    operator: Mapping[str, Any]
    purpose: Mapping[str, Any]
    notice: Mapping[str, Any]
    subject: SubjectRow
    event: ConsentEvent
    ended_by: ConsentEvent | None
    served: ServedRow | None
    at: datetime = field(kw_only=True)

    @property
    def languages(self) -> list[str]:
        """Return the language the notice was served in; both, where a sheet of paper or an old record does not say."""
        return [self.served.language] if self.served else [each.value for each in Language]

    @property
    def text(self) -> Mapping[str, str]:
        """Return the items of the notice that was served."""
        variant = self.served.variant if self.served else Variant.STANDARD
        return text_of(self.notice["text"], self.languages[0], variant)

    @property
    def method(self) -> str:
        """Return how the decision was obtained, in words."""
        form = f"{self.event.form} consent" if self.event.form else "decision"
        if self.served is None:
            return f"{form} on paper" if self.event.evidence_digest else form
        where = f"device {self.served.device_id}" if self.served.device_id else "an officer's desk"
        return f"{form} after the notice was served at {where} ({self.served.variant}, {self.served.language})"

    @property
    def principal(self) -> str:
        """Return how the person is called: the operator's word, or a pseudonym for somebody without an account."""
        return self.subject.ref or str(self.subject.subject_id)


def decision(tx: Transaction, operator_id: str, event_id: UUID, at: datetime, subject_id: UUID | None) -> Decision:
    """Return one decision with all that an export says; with `subject_id`, of that subject only.

    Raises NotFoundError for an id of nothing, of a withdrawal, of somebody else, and of somebody who was erased.
    """
    event = store.find_event(tx, operator_id, event_id)
    subject = store.find_id(tx, operator_id, event.subject_id) if event else None
    others = subject_id is not None and subject is not None and subject.subject_id != subject_id
    if event is None or event.kind == WITHDRAWN or subject is None or subject.linking_key is None or others:
        raise NotFoundError("There is no such consent.", "没有该同意记录。")
    said = [each for each in store.events(tx, operator_id, subject.subject_id) if each.purpose == event.purpose]
    after = said[[each.event_id for each in said].index(event_id) + 1 :]
    (operator,) = sites.read(tx, operator_id, "operator")
    purpose = next(row for row in sites.read(tx, operator_id, "purpose") if row["code"] == event.purpose)
    return Decision(
        operator=operator,
        purpose=purpose,
        notice=sites.notice(tx, operator_id, event.purpose, event.notice_version or 0),
        subject=subject,
        event=event,
        ended_by=after[0] if after else None,
        served=served_store.find(tx, operator_id, event.served_id) if event.served_id else None,
        at=at,
    )


def consent_record(made: Decision) -> dict[str, Any]:
    """Return a decision as a consent record: JSON-LD with the fields of TS 27560 in terms of DPV."""
    event, operator, text = made.event, made.operator, made.text
    controller = f"urn:countenance:operator:{operator['operator_id']}"
    record: dict[str, Any] = {
        "@context": CONTEXT,
        "@id": event.event_id.urn,
        "@type": "dpv:ConsentRecord",
        "dct:conformsTo": {"@id": CONFORMS_TO},
        "dct:identifier": str(event.event_id),
        "dpv:hasIdentifier": str(event.event_id),
        "dpv:hasDataSubject": {
            "@id": made.subject.subject_id.urn,
            "@type": "dpv:DataSubject",
            "dct:identifier": made.principal,
        },
        "dpv:hasNotice": {
            "@id": _named(made),
            "@type": "dpv:ConsentNotice",
            "dct:hasVersion": str(event.notice_version),
            "dct:issued": _instant(made.notice["published_at"]),
            "dct:language": made.languages,
            "dct:format": made.served.variant if made.served else "paper",
            "dct:description": [
                {"@type": "schema:PropertyValue", "schema:name": item, "schema:value": said}
                for item, said in text.items()
            ],
        },
        "dpv:hasProcess": _process(made, controller),
        "dpv:hasEntity": [
            {
                "@id": controller,
                "@type": ["dpv:DataController", "dpv:Organisation"],
                "dpv:hasIdentifier": operator["operator_id"],
                "dpv:hasName": operator["name"],
                "dpv:hasAddress": operator["contact"],
                "dpv:hasContact": operator["contact"],
                "schema:contactPoint": {
                    "@type": "schema:ContactPoint",
                    "schema:contactType": "protection officer",
                    "schema:description": operator["officer_contact"] or operator["contact"],
                },
            }
        ],
        "dpv:hasConsentStatus": _statuses(made, controller),
    }
    if made.ended_by is not None and made.ended_by.kind != WITHDRAWN:
        record["dct:isReplacedBy"] = {"@id": made.ended_by.event_id.urn}
    return record


def _process(made: Decision, controller: str) -> dict[str, Any]:
    text, days = made.text, made.purpose["retention_days"]
    until = f"P{days}D" if days is not None else text.get("retention", "")
    return {
        "@type": "dpv:Process",
        "dpv:hasPurpose": {
            "@type": "dpv:Purpose",
            "dct:identifier": made.purpose["code"],
            "dct:title": made.purpose["title"][made.languages[0]],
            "dct:description": text.get("purpose", ""),
        },
        "dpv:hasLegalBasis": {"@id": "dpv:ExplicitlyExpressedConsent"},
        "dpv:hasPersonalData": [
            {
                "@type": "dpv:SensitivePersonalData",
                "skos:broader": {"@id": "pd:FacialPrint"},
                "dpv:hasNecessity": {"@id": "dpv:Optional"},
                "dct:description": text.get("data", ""),
            }
        ],
        "dpv:hasProcessing": [
            {"@type": "dpv:Processing", "skos:broader": {"@id": _PROCESSING[Scope(each)]}, "dct:identifier": each}
            for each in made.event.scopes or []
        ],
        "dpv:hasDataSource": {
            "@type": "dpv:DataSubjectDataSource",
            "dpv:hasProcessing": {"@id": "dpv:Collect"},
            "dct:description": text.get("method", ""),
        },
        "dpv:hasStorageCondition": [
            {"@type": "dpv:StorageLocation", "dpv:hasLocation": text.get("storage", "")},
            {
                "@type": "dpv:StorageDuration",
                "dpv:hasDuration": until,
                "dct:description": text.get("retention", ""),
            },
        ],
        "dpv:hasDataController": {"@id": controller},
        "dpv:hasRecipient": {"@id": controller},
        "dpv:hasJurisdiction": {"@id": f"loc:{JURISDICTION}"},
        "dpv:hasConsentControl": {
            "@type": "dpv:WithdrawConsent",
            "dct:description": text.get("withdrawal", ""),
            "dpv:isExercisedAt": made.operator["contact"],
        },
        "dpv:hasRight": {
            "@type": "dpv:DataSubjectRight",
            "dct:description": text.get("rights", ""),
            "dpv:isExercisedAt": made.operator["contact"],
        },
    }


def _statuses(made: Decision, controller: str) -> list[dict[str, Any]]:
    """Return the events of a decision in order: what was said, what ended it, or that it came to its end."""
    found = [_status(made, made.event)]
    ended = made.ended_by
    if ended is not None and ended.kind == WITHDRAWN:
        found.append(_status(made, ended))
    elif ended is None and state_of(made.event, made.at) is ConsentState.EXPIRED and made.event.expires_at:
        found.append(
            {
                "@type": "dpv:ConsentExpired",
                "dpv:isIndicatedAtTime": _instant(made.event.expires_at),
                "dpv:hasDuration": _duration("dpv:UntilEventDuration", "a new decision"),
                "dpv:isIndicatedBy": [{"@id": controller}],
            }
        )
    return found


def _status(made: Decision, event: ConsentEvent) -> dict[str, Any]:
    by: list[dict[str, Any]] = [{"@id": made.subject.subject_id.urn}]
    if event.guardian_relation is not None:
        kind = "dpv:ParentOfDataSubject" if event.guardian_relation == Relation.PARENT else "dpv:GuardianOfDataSubject"
        why = f"{event.guardian_relation}, shown by {event.guardian_evidence}"
        by = [{"@type": kind, "dpv:hasJustification": why}]
    duration = _duration("dpv:UntilEventDuration", "withdrawal or a new decision")
    if event.expires_at is not None:
        duration = _duration("dpv:UntilTimeDuration", event.expires_at.isoformat())
    return {
        "@type": [_STATUS[event.kind], *(["dpv:ExplicitlyExpressedConsent"] if event.kind == GIVEN else [])],
        "dct:identifier": str(event.event_id),
        "dpv:isIndicatedAtTime": _instant(event.at),
        "dpv:hasDuration": duration,
        "dpv:isIndicatedBy": by,
        "dpv:hasIndicationMethod": made.method if event is made.event else "withdrawal",
    }


def _duration(kind: str, value: str) -> dict[str, str]:
    return {"@type": kind, "rdf:value": value}


def _instant(at: datetime) -> dict[str, str]:
    return {"@type": "xsd:dateTime", "@value": at.isoformat()}


def _named(made: Decision) -> str:
    """Return the name of a notice by its digest: whoever has the text can see that it is the one."""
    digest = base64.urlsafe_b64encode(bytes(made.notice["digest"])).decode().rstrip("=")
    return f"ni:///sha-256;{digest}"


def kantara_receipt(made: Decision) -> dict[str, Any]:
    """Return a yes as a consent receipt of the Kantara Initiative, version 1.1; raises ConflictError for a no."""
    if made.event.kind != GIVEN:
        raise ConflictError(
            "A Kantara receipt is one of a consent that was given. Export this decision as `dpv`.",
            "Kantara 回执仅用于已作出的同意。请以 dpv 格式导出该决定。",
        )
    text, contacts = made.text, [made.operator["officer_contact"] or "", made.operator["contact"]]
    disclosed = Scope.DISCLOSE in (made.event.scopes or [])
    return {
        "version": KANTARA_VERSION,
        "jurisdiction": JURISDICTION,
        "consentTimestamp": int(made.event.at.timestamp()),
        "collectionMethod": made.method,
        "consentReceiptID": str(made.event.event_id),
        "language": made.languages[0],
        "piiPrincipalId": made.principal,
        "piiControllers": [
            {
                "piiController": made.operator["name"],
                "onBehalf": False,
                "contact": made.operator["officer"] or made.operator["name"],
                "address": {"streetAddress": made.operator["contact"], "addressCountry": JURISDICTION},
                "email": _first(_MAIL, contacts),
                "phone": _first(_PHONE, contacts),
            }
        ],
        "policyUrl": _named(made),
        "services": [
            {
                "service": made.purpose["title"][made.languages[0]],
                "purposes": [
                    {
                        "purpose": text.get("purpose", ""),
                        "purposeCategory": [made.purpose["code"], *(made.event.scopes or [])],
                        "consentType": "EXPLICIT",
                        "piiCategory": ["Biometric"],
                        "primaryPurpose": True,
                        "termination": " ".join(text.get(item, "") for item in ("retention", "withdrawal")).strip(),
                        "thirdPartyDisclosure": disclosed,
                        **({"thirdPartyName": "those whom the notice names"} if disclosed else {}),
                    }
                ],
            }
        ],
        "sensitive": True,
        "spiCat": ["Biometric"],
    }


def _first(sought: re.Pattern[str], contacts: Sequence[str]) -> str:
    """Return the first of its kind in the contacts, or the operator's contact as it stands: the form wants one."""
    found = [each.group() for contact in contacts if (each := sought.search(contact))]
    return found[0] if found else contacts[-1]
