"""A package of documents gathered from the real database, and the guided assessment from first answer to deletion."""

import io
import json
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import typer
from sqlalchemy import text
from typer.testing import CliRunner

from countenance.cli.package import assessment_app, document_command, package_command
from countenance.errors import ConflictError, MalformedError, NotFoundError
from countenance.filing.documents.answers import Answer
from countenance.filing.documents.pia import export_pia
from countenance.filing.documents.prefill import PREFILLED
from countenance.filing.documents.questions import QUESTIONS, Asks
from countenance.operations.assess import Asking, answer, delete, import_pia, keep_until, listed, sign
from countenance.operations.declare import declare
from countenance.operations.dossier import Sources, gather
from countenance.operations.erase import erase
from countenance.operations.package import document, package
from countenance.operations.sequence import Sequencer
from countenance.settings import Settings
from countenance.sites.declaration import read_site
from countenance.store import assessments
from countenance.store.assessments import AssessmentRow
from countenance.vocabulary import AssessmentState, FilingKind, Language
from tests import pictures
from tests.database import HOTEL, OFFICER, OPERATOR, PURPOSE, Address, Hotel
from tests.operations.governed import bodies, colleague

DRAFT, MEASURES = "cn-2023-draft", "cn-2025"
#: A leap day, when years are counted from it.
LEAP = datetime(2028, 2, 29, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
TEXT = HOTEL.read_text(encoding="utf-8")


@pytest.fixture
def hotel(hotel: Hotel) -> Hotel:
    """Return the hotel on a day on which what its site file says stands."""
    hotel.clock.now = datetime(2026, 11, 26, 1, 30, tzinfo=UTC)
    return hotel


def sources(hotel: Hotel) -> Sources:
    return Sources.of(hotel.house, Settings())


def files(made: bytes) -> dict[str, bytes]:
    archive = zipfile.ZipFile(io.BytesIO(made))
    return {name: archive.read(name) for name in archive.namelist()}


def filed(hotel: Hotel, act: FilingKind = FilingKind.FIRST, pack: str = DRAFT) -> dict[str, bytes]:
    return files(package(sources(hotel), OPERATOR, pack, act, hotel.clock()))


def in_json(made: dict[str, bytes], name: str) -> str:
    return made[f"en/{name}.json"].decode()


def apply(hotel: Hotel, change: Callable[[str], str]) -> None:
    site = read_site(change(TEXT).encode())
    assert declare(hotel.house.database, hotel.keys, hotel.house.packs, site, hotel.clock()), "nothing changed"


def filed_under(pack: str) -> Callable[[str], str]:
    """Return the change that puts a number under a pack into the site file."""
    said = f"  filings:\n    {pack}: {{number: '2026-71', filed_on: 2026-11-02}}\n"
    return lambda site: site.replace("\npurposes:", f"{said}\npurposes:", 1)


def kept_shorter(site: str) -> str:
    days = site.replace("retention_days: 30", "retention_days: 20")
    return days.replace("30 days", "20 days").replace("30 天", "20 天")


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


def asking(hotel: Hotel, purpose: str = PURPOSE) -> Asking:
    return Asking(OPERATOR, purpose, "console", hotel.clock())


def everything() -> dict[str, Answer]:
    """Return an answer to whatever the configuration does not answer by itself."""
    given = {}
    for each in QUESTIONS:
        if each.id not in PREFILLED:
            items = ("one", "two") if each.asks is Asks.LIST else ()
            given[each.id] = Answer(f"On {each.id}.", items, 2 if each.asks is Asks.STEP else None)
    return given


def signed(hotel: Hotel, staff_id: str | None = None) -> AssessmentRow:
    answer(sources(hotel), asking(hotel), everything())
    return sign(sources(hotel), asking(hotel), DRAFT, staff_id or colleague(hotel))


def rows(hotel: Hotel) -> list[AssessmentRow]:
    with hotel.house.database.reading() as tx:
        return listed(tx, OPERATOR, PURPOSE)


def on_record(hotel: Hotel) -> list[tuple[str, dict[str, Any]]]:
    return [(body["outcome"], body["details"]) for body in bodies(hotel) if body["kind"] == "assessment"]


def test_an_assessment_is_answered_signed_and_in_the_package(hotel: Hotel) -> None:
    staff_id = colleague(hotel)
    row = signed(hotel, staff_id)
    today = hotel.clock().astimezone(ZoneInfo("Asia/Shanghai")).date()
    assert (row.signed_on, row.valid_until) == (today, today + timedelta(days=365))
    assert row.keep_until is not None
    assert row.keep_until >= today.replace(year=today.year + 3)
    assert [outcome for outcome, _ in on_record(hotel)] == ["signed", "answered"], "newest first"
    said = on_record(hotel)[0][1]
    assert (said["assessment"], said["staff"], said["purpose"]) == (str(row.assessment_id), staff_id, PURPOSE)
    assert "On conclusion." not in json.dumps(said), "what was answered stands in the assessment alone"
    made = filed(hotel)
    assert not [key for key in json.loads(made["manifest.json"])["missing"] if key.startswith(("question.", "report."))]
    assert "On conclusion." in in_json(made, "assessment-check-in")
    assert staff_id in in_json(made, "assessment-check-in")
    assert "On conclusion." in json.loads(made["pia/assessment-check-in.json"])["pia"]["dpo_opinion"]


def test_nothing_is_signed_while_a_question_has_no_answer(hotel: Hotel) -> None:
    staff_id = colleague(hotel)
    with pytest.raises(ConflictError, match="Nothing was answered"):
        sign(sources(hotel), asking(hotel), DRAFT, staff_id)
    given = everything()
    del given["conclusion"]
    answer(sources(hotel), asking(hotel), given)
    with pytest.raises(ConflictError, match="1 questions have no answer yet: conclusion"):
        sign(sources(hotel), asking(hotel), DRAFT, staff_id)
    assert rows(hotel)[0].signed_on is None
    answer(sources(hotel), asking(hotel), {"conclusion": Answer("May begin.")})
    answer(sources(hotel), asking(hotel), {"conclusion": Answer()})
    with pytest.raises(ConflictError, match="conclusion"):
        sign(sources(hotel), asking(hotel), DRAFT, staff_id)


def test_only_staff_signs_each_once_and_what_is_signed_stays(hotel: Hotel) -> None:
    first, second = colleague(hotel), colleague(hotel)
    with pytest.raises(NotFoundError):
        signed(hotel, "nobody")
    row = signed(hotel, first)
    with pytest.raises(ConflictError, match="signed it already"):
        sign(sources(hotel), asking(hotel), DRAFT, first)
    hotel.clock.forward(days=2)
    again = sign(sources(hotel), asking(hotel), DRAFT, second)
    assert (again.assessment_id, again.signed_on, again.answers) == (row.assessment_id, row.signed_on, row.answers)
    with hotel.house.database.reading() as tx:
        assert [each.staff_id for each in assessments.signatures(tx, OPERATOR)] == [first, second]
    with hotel.house.database.transaction() as tx:
        assessments.write(tx, OPERATOR, row.assessment_id, {})
    assert rows(hotel)[0].answers == row.answers, "no later writing reaches what is signed"


def test_what_the_configuration_said_is_kept_as_it_was_signed(hotel: Hotel) -> None:
    row = signed(hotel)
    assert "30 days" in row.answers["retention"]["text"]
    apply(hotel, kept_shorter)
    (kept,) = rows(hotel)
    assert kept.answers == row.answers
    part = gather(sources(hotel), OPERATOR, DRAFT, hotel.clock()).purposes[0]
    assert part.report is not None
    assert part.report.current is False, "it covers another configuration"
    assert part.assessment is AssessmentState.STALE, "as the law is told of the one in the site file"
    draft = answer(sources(hotel), asking(hotel), {"conclusion": Answer("Anew.")})
    assert draft.answers["mitigation"]["text"] == "On mitigation."
    assert "retention" not in draft.answers, "what the configuration said then is asked of it anew"
    assert [each.signed_on is None for each in rows(hotel)] == [True, False]
    renewed = sign(sources(hotel), asking(hotel), DRAFT, colleague(hotel))
    assert "20 days" in renewed.answers["retention"]["text"]
    report = gather(sources(hotel), OPERATOR, DRAFT, hotel.clock()).purposes[0].report
    assert report is not None
    assert report.current is True


def test_an_assessment_goes_stale_when_its_year_is_over(hotel: Hotel) -> None:
    signed(hotel)

    def current() -> bool:
        report = gather(sources(hotel), OPERATOR, DRAFT, hotel.clock()).purposes[0].report
        assert report is not None
        return report.current

    hotel.clock.forward(days=365)
    assert current()
    hotel.clock.forward(days=1)
    assert not current()


def test_what_was_signed_is_deleted_by_nobody_for_three_years(hotel: Hotel) -> None:
    row = signed(hotel)
    assert row.keep_until is not None
    with pytest.raises(ConflictError, match=row.keep_until.isoformat()):
        delete(sources(hotel), asking(hotel), row.assessment_id)
    noon = datetime(row.keep_until.year, row.keep_until.month, row.keep_until.day, 4, 0, tzinfo=UTC)
    hotel.clock.now = noon
    with pytest.raises(ConflictError):
        delete(sources(hotel), asking(hotel), row.assessment_id)
    assert rows(hotel) == [row], "the last day is in"
    hotel.clock.forward(days=1)
    delete(sources(hotel), asking(hotel), row.assessment_id)
    assert rows(hotel) == []
    assert on_record(hotel)[0][0] == "deleted"
    with pytest.raises(NotFoundError):
        delete(sources(hotel), asking(hotel), row.assessment_id)


def test_a_draft_can_be_deleted_and_nobody_elses(hotel: Hotel) -> None:
    row = answer(sources(hotel), asking(hotel), {"conclusion": Answer("x")})
    with pytest.raises(NotFoundError):
        delete(sources(hotel), asking(hotel, "elsewhere"), row.assessment_id)
    with pytest.raises(NotFoundError):
        delete(sources(hotel), asking(hotel), UUID(int=1))
    delete(sources(hotel), asking(hotel), row.assessment_id)
    assert rows(hotel) == []


def test_it_is_kept_as_long_as_the_strictest_law_wants_and_no_leap_day_shortens_that(hotel: Hotel) -> None:
    assert keep_until(hotel.house.packs, LEAP) == date(2031, 3, 1)
    assert keep_until(hotel.house.packs, datetime(2026, 11, 26, 20, 0, tzinfo=UTC)) == date(2029, 11, 27), "in China"


def test_two_who_answer_at_once_lose_nothing(hotel: Hotel) -> None:
    questions = [each.id for each in QUESTIONS[:12]]
    with ThreadPoolExecutor(4) as pool:
        done = pool.map(lambda key: answer(sources(hotel), asking(hotel), {key: Answer(f"On {key}.")}), questions)
        assert len({each.assessment_id for each in done}) == 1
    (row,) = rows(hotel)
    assert set(row.answers) == set(questions)


def test_what_is_no_question_or_no_purpose_is_refused(hotel: Hotel) -> None:
    with pytest.raises(MalformedError, match="no such question"):
        answer(sources(hotel), asking(hotel), {"colour": Answer("blue")})
    with pytest.raises(NotFoundError):
        answer(sources(hotel), asking(hotel, "elsewhere"), {"conclusion": Answer("x")})
    assert rows(hotel) == []


def test_a_file_of_the_pia_tool_fills_the_draft_and_leaves_the_rest(hotel: Hotel) -> None:
    answer(sources(hotel), asking(hotel), {"lawful": Answer("Kept."), "mitigation": Answer("Before.")})
    told = gather(sources(hotel), OPERATOR, DRAFT, hotel.clock()).purposes[0].notice
    assert told is not None
    repeated = told.items[Language.EN]
    data = next(text for item, text in repeated.items() if item.value == "data")
    given = {"data": Answer(data), "mitigation": Answer("After."), "access.severity": Answer("Grave.", gauge=3)}
    done = import_pia(sources(hotel), asking(hotel), DRAFT, export_pia("x", "y", given, hotel.clock()))
    assert set(done.answers) == {"mitigation", "access.severity"}, "what repeats the configuration is no answer"
    (row,) = rows(hotel)
    assert {key: each["text"] for key, each in row.answers.items()} == {
        "lawful": "Kept.", "mitigation": "After.", "access.severity": "Grave.",
    }  # fmt: skip
    hostile = json.dumps({"pia": {}, "answers": [{"reference_to": 113, "data": {"text": "<script>x</script>"}}]})
    with pytest.raises(MalformedError):
        import_pia(sources(hotel), asking(hotel), DRAFT, hostile.encode())
    assert rows(hotel) == [row]
    assert [outcome for outcome, _ in on_record(hotel)] == ["imported", "answered"]


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
