"""The site file: applied declaratively and idempotently, with the difference shown first."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from countenance.errors import LimitError, MalformedError, UnavailableError
from countenance.law import load_packs
from countenance.operations.declare import declare
from countenance.sites.apply import apply, plan
from countenance.sites.declaration import read_site
from countenance.store import records, sites
from countenance.store.database import Database
from countenance.subjects.notices import text_of
from countenance.vault.keys import FileKeys
from countenance.vocabulary import Language, NoticeItem, Variant
from tests.database import HOTEL, OPERATOR

NOW = datetime.now(UTC)
OTHER = "operator: {id: a, name: b, contact: c}"
WAY = "{purpose: p, title: {en: e, zh: z}}"
TEXT = HOTEL.read_text(encoding="utf-8")


def test_applying_twice_changes_nothing(database: Database) -> None:
    site = read_site(HOTEL.read_bytes())

    with database.transaction() as tx:
        assert apply(tx, site, NOW) == []
        assert plan(tx, site) == []


def test_a_difference_is_shown_before_it_is_written(database: Database) -> None:
    changed = read_site(TEXT.replace("sole_entry: false", "sole_entry: true").encode())

    with database.transaction() as tx:
        shown = plan(tx, changed)
        assert {(change.act, change.noun, change.key, change.fields) for change in shown} == {
            ("change", "device", "kiosk-1", ("sole_entry",)),
            ("change", "device", "room-camera", ("sole_entry",)),
        }
        assert plan(tx, changed) == shown
        assert apply(tx, changed, NOW) == shown
        assert plan(tx, changed) == []


def test_what_is_no_longer_declared_is_retired_and_comes_back(database: Database) -> None:
    without = TEXT[: TEXT.index("      room-floor:")] + TEXT[TEXT.index("    alternatives:\n      desk") :]

    with database.transaction() as tx:
        gone = apply(tx, read_site(without.encode()), NOW)
        assert {(change.act, change.noun, change.key) for change in gone} == {
            ("retire", "place", "room-floor"),
            ("retire", "device", "room-camera"),
            ("change", "purpose", "check-in"),
        }
        held = {row["device_id"]: row["retired"] for row in sites.read(tx, OPERATOR, "device")}
        assert held == {"kiosk-1": False, "room-camera": True}
        assert len(apply(tx, read_site(HOTEL.read_bytes()), NOW)) == 3


def test_a_filing_ends_no_earlier_than_it_was_made() -> None:
    said = "  filings:\n    cn-2025: {number: '1', filed_on: 2026-01-02, deregistered_on: 2026-01-%s}\n\npurposes:"

    assert read_site(TEXT.replace("\npurposes:", said % "02", 1).encode()).operator.filings
    with pytest.raises(MalformedError, match="before filed_on"):
        read_site(TEXT.replace("\npurposes:", said % "01", 1).encode())


def test_a_changed_sentence_of_a_notice_is_a_new_version(database: Database) -> None:
    changed = read_site(TEXT.replace("or until you withdraw", "or until you leave").encode())

    with database.transaction() as tx:
        purpose, notice = apply(tx, changed, NOW)
        assert (purpose.act, purpose.noun, purpose.fields) == ("change", "purpose", ("configuration",))
        assert (notice.act, notice.noun) == ("publish", "notice")
        (published,) = sites.notices(tx, OPERATOR)
        assert published["version"] == 2


def test_a_purpose_kept_longer_takes_a_notice_that_says_so(database: Database) -> None:
    longer = TEXT.replace("retention_days: 30", "retention_days: 60")

    with pytest.raises(MalformedError) as raised, database.transaction() as tx:
        apply(tx, read_site(longer.encode()), NOW)
    for place in (
        "notice.en.retention",
        "notice.en.plain.retention",
        "notice.zh.retention",
        "notice.zh.plain.retention",
    ):
        assert place in raised.value.en
        assert place in raised.value.zh

    said = longer.replace("30 days", "60 days").replace("30 天", "60 天")
    with database.transaction() as tx:
        assert [change.act for change in apply(tx, read_site(said.encode()), NOW)] == ["change", "publish"]
        assert [notice["version"] for notice in sites.notices(tx, OPERATOR)] == [2]


def test_a_notice_with_remarks_is_not_published_and_nothing_else_is_applied(database: Database) -> None:
    hiding = TEXT.replace("purpose: To check you in, and nothing else.", "purpose: See our website.")
    hiding = hiding.replace("sole_entry: false", "sole_entry: true")

    for act in (plan, lambda tx, site: apply(tx, site, NOW)):
        with pytest.raises(MalformedError) as raised, database.transaction() as tx:
            act(tx, read_site(hiding.encode()))
        assert "purposes.check-in.notice.en.purpose (purpose)" in raised.value.en
    with database.transaction() as tx:
        assert plan(tx, read_site(HOTEL.read_bytes())) == []


def test_a_notice_of_the_earlier_format_stays_readable_and_in_force_until_it_is_touched(database: Database) -> None:
    lines = [line for line in TEXT.splitlines() if not line.strip().startswith(("data:", "storage:", "effect:"))]
    old = "\n".join(lines[: lines.index("        plain:")] + lines[lines.index("      zh:") :])
    old = old[: old.index("        plain:")] + old[old.index("\nvenues:") :]
    site = read_site(old.encode())
    with database.transaction() as tx:
        with pytest.MonkeyPatch.context() as patch:  # an earlier version published it without a lint
            patch.setattr("countenance.sites.apply.remarks", lambda _: [])
            apply(tx, site, NOW)
        assert plan(tx, site) == []
        (published,) = sites.notices(tx, OPERATOR)
        shown = text_of(published["text"], Language.EN, Variant.LARGE_TYPE)
        assert list(shown) == [item for item in NoticeItem if item not in {"data", "storage", "effect"}]
        assert text_of(published["text"], Language.EN, Variant.PLAIN_LANGUAGE) == {}
        with pytest.raises(MalformedError):
            plan(tx, read_site(old.replace("retention_days: 30", "retention_days: 31").encode()))


def test_a_statutory_basis_can_be_declared_and_taken_off(database: Database) -> None:
    basis = """
    statutory_basis:
      citation: some-law/article-1
      lifts: [consent]
      approved_by: The general manager
      expires_on: 2099-01-01
"""
    with_basis = TEXT.replace("    retention_days: 30\n", f"    retention_days: 30{basis}")

    with database.transaction() as tx:
        assert [change.act for change in apply(tx, read_site(with_basis.encode()), NOW)] == ["add"]
        assert [change.act for change in apply(tx, read_site(HOTEL.read_bytes()), NOW)] == ["retire"]
        assert sites.read(tx, OPERATOR, "statutory_basis") == []


def test_a_new_operator_gets_a_key_and_a_record_and_a_lost_key_is_not_replaced(
    database: Database, tmp_path: Path
) -> None:
    keys = FileKeys(tmp_path / "keys")
    site = read_site(TEXT.replace(OPERATOR, "second-hotel").encode())

    assert declare(database, keys, load_packs(), site, NOW, dry_run=True)
    assert not (tmp_path / "keys").exists()
    assert declare(database, keys, load_packs(), site, NOW)
    with database.transaction() as tx:
        (row,) = records.listed(tx, "second-hotel", most=5)
    assert row.kind == "site"

    next((tmp_path / "keys").iterdir()).unlink()
    with pytest.raises(UnavailableError):
        declare(database, keys, load_packs(), site, NOW)
    assert list((tmp_path / "keys").iterdir()) == []


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("", "the file"),
        ("[]", "the file"),
        ("version: 2\noperator: {id: a, name: b, contact: c}", "version"),
        ("operator: {id: UPPER, name: b, contact: c}", "operator.id"),
        ("operator: {id: a, name: b, contact: c, colour: d}", "operator.colour"),
        ("operator: {id: a, name: b, contact: c}\nvenues: {v: {name: n, kind: palace}}", "venues.v.kind"),
        ("operator: {id: a, name: b", "the site file:"),
        ("operator: {id: a, id: b, name: c, contact: d}", "the site file:"),
        ("operator: &x {id: a, name: b, contact: c}\nvenues: *x", "the site file:"),
        ("operator: !!python/object/apply:os.system ['true']", "the site file:"),
        (f"{OTHER}\nvenues: {{v: {{name: n, kind: hotel, alternatives: {{w: {WAY}}}}}}}", "purpose"),
    ],
)
def test_a_wrong_file_is_refused_where_it_is_wrong(wrong: str, says: str) -> None:
    with pytest.raises(MalformedError) as raised:
        read_site(wrong.encode())

    assert says in raised.value.en
    assert "\n" not in raised.value.en
    assert raised.value.zh


def test_a_file_that_is_too_large_or_not_text_is_refused() -> None:
    with pytest.raises(LimitError):
        read_site(b"#" * (4 * 2**20 + 1))
    with pytest.raises(MalformedError):
        read_site(b"\xff\xfe\x00operator")
