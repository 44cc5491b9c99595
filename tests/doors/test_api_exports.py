"""One decision exported: the required fields of TS 27560 in DPV and of a Kantara receipt, and nobody's data beside."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from countenance.subjects.exports import CONTEXT
from countenance.vocabulary import Role
from tests.database import PURPOSE
from tests.doors.conftest import Desk, export, given

GUARDIAN = {"ref": "parent-7", "relation": "parent", "evidence": "birth_certificate", "checked_by": "desk-3"}
SCRIPT = "<script>alert(1)</script>"


# Shapes written from the required fields of the specifications: a name ending in ? may be absent.

Shape = Any
INSTANT = {"@type": lambda each: each == "xsd:dateTime", "@value": str}
ID = {"@id": str}
DURATION = {"@type": lambda each: each in {"dpv:UntilEventDuration", "dpv:UntilTimeDuration"}, "rdf:value": str}

#: DPV-27560, "record": header, notice, processing, parties, events.
RECORD: dict[str, Shape] = {
    "@context": dict,
    "@id": lambda each: each.startswith("urn:uuid:"),
    "@type": lambda each: each == "dpv:ConsentRecord",
    "dct:conformsTo": {"@id": lambda each: each == "https://w3id.org/dpv/schema/dpv-27560#record"},
    "dct:identifier": str,
    "dpv:hasIdentifier": str,
    "dpv:hasDataSubject": {"@id": str, "@type": str, "dct:identifier": str},
    "dpv:hasNotice": {
        "@id": lambda each: each.startswith("ni:///sha-256;"),
        "@type": lambda each: each == "dpv:ConsentNotice",
        "dct:hasVersion": str,
        "dct:issued": INSTANT,
        "dct:language": [lambda each: each in {"en", "zh"}],
        "dct:format": str,
        "dct:description": [{"@type": str, "schema:name": str, "schema:value": str}],
    },
    "dpv:hasProcess": {
        "@type": lambda each: each == "dpv:Process",
        "dpv:hasPurpose": {"@type": str, "dct:identifier": str, "dct:title": str, "dct:description": str},
        "dpv:hasLegalBasis": ID,
        "dpv:hasPersonalData": [
            {
                "@type": lambda each: each == "dpv:SensitivePersonalData",
                "skos:broader": ID,
                "dpv:hasNecessity": ID,
                "dct:description": str,
            }
        ],
        "dpv:hasProcessing": [{"@type": str, "skos:broader": ID, "dct:identifier": str}],
        "dpv:hasDataSource": {"@type": str, "dpv:hasProcessing": ID, "dct:description": str},
        "dpv:hasStorageCondition": [
            {"@type": str, "dpv:hasLocation?": str, "dpv:hasDuration?": str, "dct:description?": str}
        ],
        "dpv:hasDataController": ID,
        "dpv:hasRecipient": ID,
        "dpv:hasJurisdiction": ID,
        "dpv:hasConsentControl": {"@type": str, "dct:description": str, "dpv:isExercisedAt": str},
        "dpv:hasRight": {"@type": str, "dct:description": str, "dpv:isExercisedAt": str},
    },
    "dpv:hasEntity": [
        {
            "@id": str,
            "@type": list,
            "dpv:hasIdentifier": str,
            "dpv:hasName": str,
            "dpv:hasAddress": str,
            "dpv:hasContact": str,
            "schema:contactPoint": {"@type": str, "schema:contactType": str, "schema:description": str},
        }
    ],
    "dpv:hasConsentStatus": [
        {
            "@type": lambda each: isinstance(each, str | list),
            "dct:identifier?": str,
            "dpv:isIndicatedAtTime": INSTANT,
            "dpv:hasDuration": DURATION,
            "dpv:isIndicatedBy": [{"@id?": str, "@type?": str, "dpv:hasJustification?": str}],
            "dpv:hasIndicationMethod?": str,
        }
    ],
    "dct:isReplacedBy?": ID,
}

#: Consent Receipt 1.1, section 4: what is REQUIRED, and the two that are required under a condition.
RECEIPT: dict[str, Shape] = {
    "version": lambda each: each == "KI-CR-v1.1.0",
    "jurisdiction": str,
    "consentTimestamp": int,
    "collectionMethod": str,
    "consentReceiptID": str,
    "language": str,
    "piiPrincipalId": str,
    "piiControllers": [
        {
            "piiController": str,
            "onBehalf": bool,
            "contact": str,
            "address": {"streetAddress": str, "addressCountry": str},
            "email": str,
            "phone": str,
        }
    ],
    "policyUrl": str,
    "services": [
        {
            "service": str,
            "purposes": [
                {
                    "purpose": str,
                    "purposeCategory": [str],
                    "consentType": lambda each: each == "EXPLICIT",
                    "piiCategory": [str],
                    "primaryPurpose": bool,
                    "termination": str,
                    "thirdPartyDisclosure": bool,
                    "thirdPartyName?": str,
                }
            ],
        }
    ],
    "sensitive": bool,
    "spiCat": [str],
}


def misfits(value: Any, shape: Shape, at: str = "") -> Iterator[str]:
    """Yield where a value does not have a shape: a field too few or too many, an empty text, another type."""
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            yield f"{at}: no object"
            return
        names = {name.rstrip("?"): each for name, each in shape.items()}
        yield from (f"{at}.{name}: missing" for name in names if name not in value and f"{name}?" not in shape)
        yield from (f"{at}.{name}: not known" for name in value if name not in names)
        for name in names.keys() & value.keys():
            yield from misfits(value[name], names[name], f"{at}.{name}")
    elif isinstance(shape, list):
        if not isinstance(value, list) or not value:
            yield f"{at}: no list, or an empty one"
            return
        for number, each in enumerate(value):
            yield from misfits(each, shape[0], f"{at}[{number}]")
    elif isinstance(shape, type):
        if type(value) is not shape or (shape is str and not value):
            yield f"{at}: {value!r} is no {shape.__name__}"
    elif not shape(value):
        yield f"{at}: {value!r}"


def prefixed(value: Any) -> Iterator[str]:
    """Yield every name that begins with a prefix."""
    if isinstance(value, dict):
        for name, each in value.items():
            if name == "@context":
                continue
            yield from prefixed(name)
            if name in {"@id", "@type"} or not isinstance(each, str):
                yield from prefixed(each)
    elif isinstance(value, list):
        for each in value:
            yield from prefixed(each)
    elif isinstance(value, str) and re.fullmatch(r"[a-z]+:[A-Za-z]\w*", value):
        yield value


# Exports.


def test_the_shapes_see_what_is_wrong() -> None:
    good: dict[str, Any] = {"a": "x", "b": [{"c": 1}]}
    shape = {"a": str, "b": [{"c": int, "d?": bool}]}
    assert list(misfits(good, shape)) == []
    for bad in ({}, good | {"a": ""}, good | {"b": []}, good | {"e": 1}, good | {"b": [{"c": True}]}):
        assert list(misfits(bad, shape))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_consent_record_has_the_fields_of_ts_27560_in_terms_of_dpv(desk: Desk, language: str) -> None:
    served = desk.serve(language=language, variant="large_type")
    consent = given(desk, served=served, expires_at="2999-01-01T00:00:00Z")
    answer = export(desk, consent)
    body = answer.json()

    assert answer.headers["content-type"] == "application/ld+json"
    assert list(misfits(body, RECORD)) == []
    names = set(prefixed(body))
    assert len(names) > 30
    assert {name.split(":")[0] for name in names} - {"urn", "ni"} <= set(CONTEXT)
    assert body["dpv:hasDataSubject"]["dct:identifier"] == "guest-1"
    assert body["dpv:hasNotice"]["dct:language"] == [language]
    assert body["dpv:hasNotice"]["dct:format"] == "large_type"
    process = body["dpv:hasProcess"]
    assert [each["dct:identifier"] for each in process["dpv:hasProcessing"]] == [
        "enrol",
        "identify",
        "off_device_storage",
        "verify",
    ]
    assert process["dpv:hasStorageCondition"][1]["dpv:hasDuration"] == "P30D"
    assert (
        process["dpv:hasPurpose"]["dct:title"]
        == {"en": "Check-in without waiting at the desk", "zh": "免排队自助入住"}[language]
    )
    (status,) = body["dpv:hasConsentStatus"]
    assert status["@type"] == ["dpv:ConsentGiven", "dpv:ExplicitlyExpressedConsent"]
    assert status["dpv:isIndicatedBy"] == [{"@id": body["dpv:hasDataSubject"]["@id"]}]


def test_a_consent_record_says_how_it_ended(desk: Desk) -> None:
    first = given(desk)
    second = given(desk)
    desk.post("/v1/withdraw", {"subject": "guest-1", "purpose": PURPOSE})

    assert export(desk, first).json()["dct:isReplacedBy"] == {"@id": f"urn:uuid:{second}"}
    body = export(desk, second).json()
    assert list(misfits(body, RECORD)) == []
    assert [each["@type"][0] for each in body["dpv:hasConsentStatus"]] == ["dpv:ConsentGiven", "dpv:ConsentWithdrawn"]
    withdrawal = desk.get("/v1/consents?subject=guest-1").json()["events"][-1]["consent"]
    assert export(desk, withdrawal).status_code == 404, "a withdrawal is part of the consent it ended"


def test_a_refusal_is_a_record_and_no_receipt(desk: Desk) -> None:
    consent = given(desk, decision="refused", form=None, scopes=[])
    body = export(desk, consent).json()

    assert body["dpv:hasConsentStatus"][0]["@type"] == ["dpv:ConsentRefused"]
    assert list(misfits(body, RECORD)) == [".dpv:hasProcess.dpv:hasProcessing: no list, or an empty one"]
    assert export(desk, consent, "kantara").status_code == 409


def test_a_guardians_consent_is_indicated_by_the_guardian_without_naming_them(desk: Desk) -> None:
    consent = given(desk, age_class="under_14", guardian=GUARDIAN)
    body = export(desk, consent).json()

    assert list(misfits(body, RECORD)) == []
    (by,) = body["dpv:hasConsentStatus"][0]["dpv:isIndicatedBy"]
    assert by["@type"] == "dpv:ParentOfDataSubject"
    everything = json.dumps(
        [body, export(desk, consent, "kantara").json(), desk.get("/v1/consents?subject=guest-1").json()]
    )
    assert [word for word in ("parent-7", "desk-3", "under_14") if word in everything] == []


def test_a_kantara_receipt_has_its_required_fields(desk: Desk) -> None:
    consent = given(desk)
    body = export(desk, consent, "kantara").json()

    assert list(misfits(body, RECEIPT)) == []
    assert body["consentReceiptID"] == consent
    assert body["consentTimestamp"] == int(desk.hotel.clock().timestamp())
    assert body["piiControllers"][0]["email"] == "officer@harbour-hotel.example"
    assert body["services"][0]["purposes"][0]["thirdPartyDisclosure"] is False
    disclosed = export(desk, given(desk, scopes=["disclose"]), "kantara").json()
    assert list(misfits(disclosed, RECEIPT)) == []
    assert disclosed["services"][0]["purposes"][0]["thirdPartyName"]


def test_a_guest_without_an_account_is_a_pseudonym(desk: Desk) -> None:
    consent = given(desk, None)
    body = export(desk, consent).json()

    assert list(misfits(body, RECORD)) == []
    assert body["dpv:hasDataSubject"]["@id"].endswith(body["dpv:hasDataSubject"]["dct:identifier"])


def test_nothing_is_exported_of_somebody_who_was_erased(desk: Desk) -> None:
    consent = given(desk)
    assert desk.post("/v1/erase", {"subject": "guest-1"}, "officer").status_code == 200

    assert export(desk, consent).status_code == 404
    assert desk.get("/v1/consents?subject=guest-1").status_code == 404


def test_an_id_of_nothing_is_not_found(desk: Desk) -> None:
    for path in ("x", "%2e%2e", "c2c0a4f4-9a1e-4c25-8b35-7f5bb6a3c1de", SCRIPT.replace("/", "%2F")):
        assert export(desk, path).status_code == 404, path


def test_an_unknown_format_is_malformed(desk: Desk) -> None:
    consent = given(desk)
    for query in ("format=xml", "format=", "format=dpv&format=kantara", "as=dpv"):
        assert desk.get(f"/v1/consents/{consent}?{query}").status_code == 400
    assert desk.get(f"/v1/consents/{consent}").headers["content-type"] == "application/ld+json"


def test_another_subjects_credential_sees_that_subject(desk: Desk) -> None:
    given(desk, "guest-1")
    desk.tokens["second"] = desk.issue(Role.SUBJECT, "guest-1")

    assert desk.get("/v1/consents", "second").json()["subject"] == "guest-1"


def test_a_decision_on_paper_is_a_record_too(desk: Desk) -> None:
    paper = {"notice_version": 1, "evidence_sha256": "ab" * 32}
    body = {"subject": "guest-1", "purpose": PURPOSE, "decision": "given", "form": "written", "scopes": ["verify"]}
    consent = desk.post("/v1/consents", body | {"paper": paper}, "officer").json()["consent"]

    record = export(desk, consent).json()
    assert list(misfits(record, RECORD)) == []
    assert record["dpv:hasNotice"]["dct:language"] == ["en", "zh"]
    assert record["dpv:hasConsentStatus"][0]["dpv:hasIndicationMethod"] == "written consent on paper"
    assert "ab" * 32 not in json.dumps(record)
