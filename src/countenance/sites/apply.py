"""Applying a site file: what the file says against what is on file, shown first and written whole."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from countenance.sites.banned import BANNED_PURPOSES
from countenance.sites.declaration import Device, Place, Purpose, Site
from countenance.sites.lint import refuse, remarks
from countenance.store import sites as store
from countenance.store.database import Transaction
from countenance.vocabulary import Comparing

Row = dict[str, Any]

#: What has no history of its own: when it is no longer declared its row goes.
REMOVED = frozenset({"statutory_basis", "filing"})


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: `act` is add, change, retire or publish; `fields` names what differs."""

    act: str
    noun: str
    key: str
    fields: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the change as a JSON object."""
        return {"act": self.act, "noun": self.noun, "key": self.key, "fields": list(self.fields)}


def plan(tx: Transaction, site: Site) -> list[Change]:
    """Return what applying `site` would change, without changing it. Raises what `apply` raises."""
    return _walk(tx, site, write=None)


def apply(tx: Transaction, site: Site, at: datetime) -> list[Change]:
    """Bring what is on file to what `site` says, and return what changed; applying it again changes nothing.

    Raises MalformedError for a purpose whose notice has remarks, where the notice or the purpose changes.
    """
    store.lock(tx, site.operator.id)

    def write(change: Change, row: Row) -> None:
        if change.act == "publish":
            store.publish_notice(tx, site.operator.id, change.key, row["text"], row["digest"], at)
        elif change.act == "retire" and change.noun in REMOVED:
            store.remove(tx, site.operator.id, change.noun, change.key)
        else:
            store.write(tx, change.noun, [row])

    return _walk(tx, site, write=write)


def _walk(tx: Transaction, site: Site, write: Callable[[Change, Row], None] | None) -> list[Change]:
    changes: list[Change] = []
    for noun, rows in _rows(site).items():
        held = {_key(noun, row): row for row in store.read(tx, site.operator.id, noun)}
        wanted = [_bound(row, held.get(row["code"])) for row in rows] if noun == "purpose" else rows
        for change, row in _differences(noun, wanted, held):
            changes.append(change)
            if write is not None:
                write(change, row)
    notices = _notices(tx, site)
    # A purpose that is kept longer, say, needs a notice that says so.
    touched = {each.key for each in changes if each.noun == "purpose"} | {each.key for each, _ in notices}
    refuse([each for each in remarks(site) if each.purpose in touched])
    for change, row in notices:
        changes.append(change)
        if write is not None:
            write(change, row)
    return changes


def _differences(noun: str, wanted: list[Row], held: Mapping[str, Row]) -> list[tuple[Change, Row]]:
    found: list[tuple[Change, Row]] = []
    for row in wanted:
        key = _key(noun, row)
        before = held.get(key)
        if before is None:
            found.append((Change("add", noun, key, tuple(sorted(row))), row))
        elif fields := tuple(name for name in sorted(row) if row[name] != before[name]):
            found.append((Change("change", noun, key, fields), row))
    gone = set(held) - {_key(noun, row) for row in wanted}
    for key in sorted(gone):
        if noun in REMOVED:
            found.append((Change("retire", noun, key, ()), {}))
        elif not held[key].get("retired", True):
            found.append((Change("retire", noun, key, ("retired",)), held[key] | {"retired": True}))
    return found


def _key(noun: str, row: Row) -> str:
    return "/".join(str(row[name]) for name in store.key_columns(noun))


def _bound(row: Row, before: Row | None) -> Row:
    """Bind a purpose's assessment to the configuration it was signed for; signing it again binds it anew."""
    signature = ("assessment_signed_by", "assessed_on", "assessment_expires_on")
    same = before is not None and all(row[name] == before[name] for name in signature)
    if before is not None and same and before["assessed_configuration"] is not None:
        return row | {"assessed_configuration": before["assessed_configuration"]}
    return row | {"assessed_configuration": row["configuration"] if row["assessed_on"] is not None else None}


def _configuration(site: Site, code: str) -> bytes:
    """Return the digest of what an assessment of a purpose is about: why, how, how long, where, told how.

    Names, states of the day (suspended, working, dates of checks) and the assessment itself are not part of it.
    """
    notice = site.purposes[code].notice
    purpose = site.purposes[code].model_dump(mode="json", exclude={"assessment", "statutory_basis", "notice"})
    if purpose["comparison"] == Comparing.PLAIN:  # what was assessed before there was a choice was assessed for this
        del purpose["comparison"]
    purpose["notice"] = None if notice is None else notice.as_published()
    venues = {
        name: {
            "kind": venue.kind.value,
            "business": venue.business,
            "places": {
                each: place.model_dump(mode="json", include={"kind", "private", "public", "internal"})
                | {"devices": {key: {"area": device.area} for key, device in place.devices.items()}}
                for each, place in venue.places.items()
            },
            "alternatives": sorted(key for key, way in venue.alternatives.items() if way.purpose == code),
        }
        for name, venue in site.venues.items()
    }
    return hashlib.sha256(_canonical({"purpose": purpose, "venues": venues})).digest()


def _canonical(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _notices(tx: Transaction, site: Site) -> list[tuple[Change, Row]]:
    newest = {row["purpose"]: bytes(row["digest"]) for row in store.notices(tx, site.operator.id)}
    found: list[tuple[Change, Row]] = []
    for code, purpose in site.purposes.items():
        if purpose.notice is None:
            continue
        text = purpose.notice.as_published()
        digest = hashlib.sha256(_canonical(text)).digest()
        if newest.get(code) != digest:
            found.append((Change("publish", "notice", code, ("text",)), {"text": text, "digest": digest}))
    return found


def _rows(site: Site) -> dict[str, list[Row]]:
    mine = {"operator_id": site.operator.id}
    rows: dict[str, list[Row]] = {noun: [] for noun in store.NOUNS}
    officer = site.operator.officer
    rows["operator"].append(
        mine
        | {
            "name": site.operator.name,
            "contact": site.operator.contact,
            "officer": officer.name if officer else None,
            "officer_contact": officer.contact if officer else None,
            "minor_rules": site.operator.minor_rules,
            "credit_code": site.operator.credit_code,
            "group_name": site.operator.group,
            "elsewhere": [each.model_dump(mode="json") for each in site.operator.elsewhere] or None,
        }
    )
    rows["filing"] = [
        mine | {"pack": pack, "number": filing.number, "filed_on": filing.filed_on}
        for pack, filing in site.operator.filings.items()
        if filing.deregistered_on is None
    ]
    for code, purpose in site.purposes.items():
        rows["purpose"].append(mine | _purpose(code, purpose) | {"configuration": _configuration(site, code)})
        if basis := purpose.statutory_basis:
            said = {
                "purpose": code,
                "citation": basis.citation,
                "lifts": sorted(lift.value for lift in basis.lifts),
                "approved_by": basis.approved_by,
                "expires_on": basis.expires_on,
            }
            rows["statutory_basis"].append(mine | said)
    for venue_id, venue in site.venues.items():
        rows["venue"].append(
            mine
            | {
                "venue_id": venue_id,
                "name": venue.name,
                "kind": venue.kind.value,
                "business": venue.business,
                "location": venue.location.model_dump(exclude_none=True) if venue.location else None,
                "retired": False,
            }
        )
        for place_id, place in venue.places.items():
            rows["place"].append(mine | _place(venue_id, place_id, place))
            rows["device"] += [mine | _device(place_id, name, device) for name, device in place.devices.items()]
        for name, way in venue.alternatives.items():
            said = way.model_dump(include={"purpose", "working", "hours", "heartbeat_minutes", "title"})
            rows["alternative"].append(mine | said | {"alternative_id": name, "venue_id": venue_id, "retired": False})
    return rows


def _purpose(code: str, purpose: Purpose) -> Row:
    necessity, assessment, steps = purpose.necessity, purpose.assessment, purpose.steps
    return {
        "code": code,
        "title": purpose.title.model_dump(),
        "banned": code in BANNED_PURPOSES,
        "necessity": necessity.statement if necessity else None,
        "necessity_signed_by": necessity.signed_by if necessity else None,
        "necessity_expires_on": necessity.expires_on if necessity else None,
        "alternatives_assessed": purpose.alternatives_assessed,
        "assessed_on": assessment.signed_on if assessment else None,
        "assessment_expires_on": assessment.expires_on if assessment else None,
        "assessment_signed_by": assessment.signed_by if assessment else None,
        "major_interest": purpose.major_interest,
        "public_security": purpose.public_security,
        "retention_days": purpose.retention_days,
        "comparison": purpose.comparison.value,
        "steps_to_consent": steps.consent if steps else None,
        "steps_to_withdraw": steps.withdraw if steps else None,
        "retired": False,
    }


def _place(venue_id: str, place_id: str, place: Place) -> Row:
    return {
        "place_id": place_id,
        "venue_id": venue_id,
        "name": place.name,
        "kind": place.kind.value,
        "private": place.private,
        "public": place.public,
        "internal": place.internal,
        "declared_by": place.declared.by if place.declared else None,
        "declared_on": place.declared.on if place.declared else None,
        "retired": False,
    }


def _device(place_id: str, device_id: str, device: Device) -> Row:
    necessity = device.security_necessity
    expires: date | None = necessity.expires_on if necessity else None
    return {
        "device_id": device_id,
        "place_id": place_id,
        "name": device.name,
        "sign_checked_on": device.sign.checked_on if device.sign else None,
        "sign_evidence_digest": device.sign.evidence_sha256 if device.sign else None,
        "security_necessity": necessity.statement if necessity else None,
        "security_necessity_expires_on": expires,
        "area": [list(corner) for corner in device.area] if device.area else None,
        "assessed_on": device.assessed_on,
        "sole_entry": device.sole_entry,
        "suspended": device.suspended,
        "retired": False,
    }
