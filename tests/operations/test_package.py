"""A package of documents gathered from the real database."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from sqlalchemy import text
from typer.testing import CliRunner

from countenance.cli.package import assessment_app, document_command, package_command
from countenance.errors import NotFoundError
from countenance.filing.documents.prefill import PREFILLED
from countenance.filing.documents.questions import QUESTIONS
from countenance.operations.assess import answer
from countenance.operations.dossier import gather
from countenance.operations.erase import erase
from countenance.operations.package import document
from countenance.operations.sequence import Sequencer
from countenance.vocabulary import FilingKind, Language
from tests import pictures
from tests.database import OFFICER, OPERATOR, PURPOSE, Address, Hotel
from tests.operations.governed import colleague
from tests.operations.packaging import (
    DRAFT,
    MEASURES,
    apply,
    asking,
    everything,
    filed,
    filed_under,
    files,
    in_json,
    kept_shorter,
    rows,
    sources,
)


@pytest.fixture
def hotel(hotel: Hotel) -> Hotel:
    """Return the hotel on a day on which what its site file says stands."""
    hotel.clock.now = datetime(2026, 11, 26, 1, 30, tzinfo=UTC)
    return hotel


def test_the_package_of_the_demonstration_says_what_is_missing_and_nothing_else(hotel: Hotel) -> None:
    made = filed(hotel)
    manifest = json.loads(made["manifest.json"])
    missing = {key.partition(":")[0] for key in manifest["missing"]}
    asked = {f"question.{each.id}" for each in QUESTIONS if each.id not in PREFILLED}
    assert missing == asked | {
        "handler.credit_code", "purpose.report", "report.signatures", "device.registered_on", "log",
    }  # fmt: skip
    assert [each["name"] for each in manifest["files"] if each["name"].startswith("pia/")] == [
        "pia/assessment-check-in.json"
    ]
    assert {each["pack"]: each["edition"] for each in manifest["law"]} == {
        each.name: each.edition for each in hotel.house.packs
    }
    notice = in_json(made, "purpose-and-method")
    assert "To check you in, and nothing else." in notice
    assert "仅用于办理入住，不作他用。" in made["zh/purpose-and-method.json"].decode()
    assert "A camera somebody put where none may be" in in_json(made, "form-2-application")
    assert hotel.house.engine.extractor.card.sha256 in in_json(made, "safeguards")


def test_persons_are_counted_and_named_nowhere(hotel: Hotel) -> None:
    hotel.consent("guest-zhang")
    hotel.enrol("guest-zhang", pictures.admiral())
    made = filed(hotel)
    (fields, *_) = json.loads(in_json(made, "numbers"))["sections"][0]["blocks"]
    figures = {each["name"]: each["value"] for each in fields["fields"]}
    assert figures["Stored here now"] == figures["Lower bound"] == figures["Upper bound"] == "1"
    with hotel.house.database.reading() as tx:
        subject = str(tx.execute(text("SELECT subject_id FROM subject WHERE ref = 'guest-zhang'")).scalar_one())
    for name, content in made.items():
        inner = files(content).values() if name.endswith(".docx") else [content]
        assert not [each for each in inner if b"guest-zhang" in each or subject.encode() in each], name


def test_what_was_refused_is_counted_under_its_article(hotel: Hotel) -> None:
    from countenance.operations.activate import register
    from countenance.operations.parts import Refused

    assert isinstance(register(hotel.house, OFFICER, "room-camera", PURPOSE), Refused)
    refusals = gather(sources(hotel), OPERATOR, DRAFT, hotel.clock()).refusals
    assert (DRAFT, "6", "register_device", 1) in {(e.pack, e.article, e.action, e.refusals) for e in refusals}
    hotel.clock.forward(days=91)
    assert gather(sources(hotel), OPERATOR, DRAFT, hotel.clock()).refusals == ()


def test_a_deregistration_proves_what_was_destroyed_by_its_entry_in_the_log(hotel: Hotel) -> None:
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())
    manifest = json.loads(filed(hotel, FilingKind.DEREGISTRATION)["manifest.json"])
    assert {"disposal.left", "disposal.active", "disposal.records"} <= set(manifest["missing"])
    erased = erase(hotel.house, OFFICER, "guest")
    Sequencer(hotel.house.database, hotel.house.logs, hotel.clock).step_all()
    dossier = gather(sources(hotel), OPERATOR, DRAFT, hotel.clock())
    (proof,) = dossier.disposal.listed
    assert (proof.record_id, proof.kind) == (str(erased.recorded.record_id), "erase")
    assert proof.digest == f"sha256:{erased.recorded.digest.hex()}"
    assert dossier.log is not None
    assert proof.log_index is not None
    assert proof.log_index < dossier.log.size
    assert (dossier.disposal.references_left, dossier.disposal.originals_left) == (0, 0)
    made = filed(hotel, FilingKind.DEREGISTRATION)
    assert proof.record_id in in_json(made, "deregistration")
    assert dossier.log.root in in_json(made, "deregistration")
    assert not [name for name in made if name.startswith("pia/")]


def test_the_change_variant_shows_what_differs_from_what_was_filed(hotel: Hotel) -> None:
    assert "filed" in {
        key.partition(":")[0] for key in json.loads(filed(hotel, FilingKind.CHANGE)["manifest.json"])["missing"]
    }
    apply(hotel, filed_under(DRAFT))
    before = gather(sources(hotel), OPERATOR, DRAFT, hotel.clock()).filed
    assert before is not None
    assert (before.number, before.changes) == ("2026-71", ())
    apply(hotel, lambda site: kept_shorter(filed_under(DRAFT)(site)))
    after = gather(sources(hotel), OPERATOR, DRAFT, hotel.clock()).filed
    assert after is not None
    assert [(each.field, each.before, each.after) for each in after.changes] == [("retention/check-in", "30", "20")]
    assert gather(sources(hotel), OPERATOR, MEASURES, hotel.clock()).filed is None


def test_one_document_is_made_by_its_name(hotel: Hotel) -> None:
    made = document(
        sources(hotel), OPERATOR, DRAFT, hotel.clock(), "retention-schedule", language=Language.ZH, ending="html"
    )
    assert made.name == "zh/retention-schedule.html"
    assert "保存期限表" in made.content.decode()


def test_another_operator_or_pack_is_not_found(hotel: Hotel) -> None:
    with pytest.raises(NotFoundError):
        gather(sources(hotel), "elsewhere", DRAFT, hotel.clock())
    with pytest.raises(NotFoundError, match=DRAFT):
        gather(sources(hotel), OPERATOR, "eu-ai-act", hotel.clock())


@pytest.fixture
def run(address: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hotel: Hotel) -> Callable[..., str]:
    """Return the commands as they hang below `filing`, on the test's own database."""
    monkeypatch.setenv("COUNTENANCE_DATABASE_URL", address.url.replace("+psycopg", ""))
    monkeypatch.setenv("COUNTENANCE_DATA_DIR", str(tmp_path / "data"))
    app = typer.Typer()
    app.command("package")(package_command)
    app.command("document")(document_command)
    app.add_typer(assessment_app, name="assessment")

    def typed(*words: str, ends: int = 0) -> str:
        done = CliRunner().invoke(app, list(words))
        assert done.exit_code == ends, (done.output, done.exception)
        return done.output if ends == 0 else str(done.exception)

    return typed


def test_the_commands(run: Callable[..., str], hotel: Hotel, tmp_path: Path) -> None:
    to = tmp_path / "made" / "here"
    out = run("package", "--pack", DRAFT, "--lang", "zh", "--to", str(to))
    assert "handler.credit_code" in out
    path = to / "package.zip"
    assert path.stat().st_mode & 0o777 == 0o600
    assert {name.split("/")[0] for name in files(path.read_bytes())} == {"manifest.json", "zh", "pia"}
    run("document", "numbers", "--pack", DRAFT, "--lang", "en", "--form", "json", "--to", str(to))
    assert json.loads((to / "numbers-en.json").read_bytes())["name"] == "numbers"
    assert "zh, en or both" in run("package", "--pack", DRAFT, "--lang", "fr", ends=1)
    (tmp_path / "file").touch()
    assert "cannot be written" in run("package", "--pack", DRAFT, "--to", str(tmp_path / "file"), ends=1)

    of = ("--purpose", PURPOSE)
    assert "Written into the draft" in run("assessment", "answer", "conclusion", *of, "--text", "May begin.")
    run("assessment", "answer", "access.severity", *of, "--text", "Grave.", "--step", "3")
    run("assessment", "answer", "access.threats", *of, "--item", "theft", "--item", "insiders")
    shown = json.loads(run("assessment", "show", *of, "--pack", DRAFT, "--json"))
    by = {each["id"]: (each["by"], each["answer"]) for each in shown["questions"]}
    assert by["conclusion"] == ("person", "May begin.")
    assert by["access.severity"] == ("person", "3 of 4. Grave.")
    assert by["access.threats"] == ("person", "theft; insiders")
    assert by["retention"][0] == "configuration"
    assert by["lawful"] == ("nobody yet", "")
    assert "draft" in run("assessment", "show", *of, "--pack", DRAFT)
    file = tmp_path / "pia.json"
    run("assessment", "export-pia", str(file), *of, "--pack", DRAFT)
    assert "3 answers taken." in run("assessment", "import-pia", str(file), *of, "--pack", DRAFT)
    answer(sources(hotel), asking(hotel), everything())
    staff_id = colleague(hotel)
    assert "Signed:" in run("assessment", "sign", *of, "--pack", DRAFT, "--staff", staff_id)
    (row,) = rows(hotel)
    assert "kept until" in run("assessment", "delete", str(row.assessment_id), *of, ends=1)
    assert "signed on" in run("assessment", "show", *of, "--pack", DRAFT)
