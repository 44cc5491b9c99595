"""A dossier of which every part is on file, for tests that then take parts away."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from countenance.answer import Text
from countenance.filing.documents import dossier as parts
from countenance.filing.documents.answers import Answer
from countenance.filing.documents.dossier import Dossier
from countenance.filing.documents.questions import QUESTIONS, Asks
from countenance.filing.documents.scenario import (
    BasisPart,
    NoticePart,
    PurposePart,
    ReportPart,
    SignaturePart,
    WayPart,
)
from countenance.vocabulary import (
    AssessmentState,
    AttackChecking,
    Comparing,
    FilingCause,
    FilingState,
    KeysFrom,
    Language,
    Lift,
    NoticeItem,
    PlaceKind,
    Target,
    VenueKind,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
AT = datetime(2026, 11, 26, 9, 30, tzinfo=SHANGHAI)
TODAY = AT.date()
LATER = date(2027, 11, 25)


def answers() -> dict[str, Answer]:
    """Return an answer to every guided question."""
    given = {}
    for each in QUESTIONS:
        text = f"Answer to {each.id}: “a < b & c” 答复"
        if each.asks is Asks.LIST:
            given[each.id] = Answer(items=(f"first of {each.id}", "second, with a comma; 第二项"))
        elif each.asks is Asks.STEP:
            given[each.id] = Answer(text, gauge=2)
        else:
            given[each.id] = Answer(text + "\nand a second line")
    return given


def _purpose() -> PurposePart:
    items = {
        language: {item: f"{item.value} in {language.value}, at length" for item in NoticeItem} for language in Language
    }
    return PurposePart(
        code="check-in",
        title=Text("Check-in without waiting", "免排队自助入住"),
        necessity="Guests who choose it need not wait; the desk stays open for all.",
        necessity_signed_by="The general manager",
        necessity_expires_on=LATER,
        alternatives_assessed="Key card at the desk, and a code sent to the telephone.",
        assessment=AssessmentState.CURRENT,
        assessment_signed_by="The protection officer",
        assessed_on=date(2026, 10, 1),
        assessment_expires_on=LATER,
        configuration="ab" * 32,
        major_interest=False,
        public_security=False,
        retention_days=30,
        comparison=Comparing.PLAIN,
        steps_to_consent=2,
        steps_to_withdraw=1,
        active_since=AT - timedelta(days=40),
        notice=NoticePart(3, AT - timedelta(days=50), "cd" * 32, items),
        basis=BasisPart("public-security-law/12", (Lift.CONSENT,), "The counsel", LATER),
        ways=(WayPart("desk", "harbour", Text("Key card at the desk", "前台办理房卡"), working=True, hours=None),),
        report=ReportPart(
            id="7b7f9e2a-0000-4000-8000-000000000001",
            answers=answers(),
            configuration="ab" * 32,
            signatures=(SignaturePart("staff-7", AT - timedelta(days=3)),),
            valid_until=LATER,
            keep_until=date(2029, 11, 23),
            current=True,
        ),
    )


def _venue() -> parts.VenuePart:
    device = parts.DevicePart(
        id="gate-1",
        name="The gate of the concourse",
        sign_checked_on=date(2026, 11, 1),
        sign_evidence="6b" * 32,
        security_necessity="Order 12 of the city asks for it.",
        security_necessity_expires_on=LATER,
        area=((0.0, 0.0), (1.0, 0.0), (0.5, 1.0)),
        assessed_on=date(2026, 10, 1),
        sole_entry=False,
        suspended=False,
        registered_on=date(2026, 10, 3),
    )
    place = parts.PlacePart(
        id="concourse",
        name="The concourse",
        kind=PlaceKind.HALL,
        private=False,
        public=True,
        internal=False,
        declared_by="The general manager",
        declared_on=date(2026, 10, 1),
        devices=(device,),
    )
    return parts.VenuePart(
        id="harbour",
        name="Harbour Station 海港站",
        kind=VenueKind.STATION,
        business=True,
        address="1 Quay Road 码头路 1 号",
        division="310101",
        latitude=31.23,
        longitude=121.47,
        places=(place,),
    )


def _networks() -> tuple[tuple[parts.ModelPart, ...], tuple[parts.OperatingPart, ...]]:
    model = parts.ModelPart(
        role="extractor",
        id="dlib-resnet",
        version="1",
        sha256="ef" * 32,
        licence="CC0-1.0",
        origin="dlib.net",
        weaknesses=("Weaker on East Asian faces.", "Weaker on children."),
        calibrated="A set of faces, 2026-08-01: 5000 subjects",
    )
    operating = tuple(parts.OperatingPart(target, 1e-4, 0.9371, 8e-5, 1e-4, 0.021) for target in Target)
    return (model,), operating


def _handler() -> parts.HandlerPart:
    return parts.HandlerPart(
        id="harbour-hotel",
        name="Harbour Hotel 海港酒店",
        contact="privacy@harbour-hotel.example",
        credit_code="91310000MA1K35X12Q",
        group="harbour-group",
        officer="The protection officer",
        officer_contact="officer@harbour-hotel.example",
        minor_rules="Guests under 14 are checked in at the desk.",
    )


def dossier() -> Dossier:
    """Return the dossier of an operator who has said everything there is to say."""
    models, operating = _networks()
    pack = parts.PackPart(
        "cn-2023-draft",
        Text("Provisions on facial recognition (draft)", "人脸识别技术应用安全管理规定（征求意见稿）"),
        Text("The cyberspace authority at or above city level", "地市级以上网信部门"),
        "sha256:0123456789abcdef",
        binds=True,
    )
    duty = parts.DutyPart(
        pack.name, FilingState.FILED, None, FilingCause.PERSONS, date(2026, 10, 8), date(2026, 11, 20),
        provisional=False, number="沪网信备 2026-0071", filed_on=date(2026, 11, 2),
    )  # fmt: skip
    destruction = parts.DestructionPart(
        AT, "erase", "5f0e7a5e-0000-4000-8000-000000000002", "sha256:" + "12" * 32, 4711
    )
    elsewhere = parts.ElsewherePart("The old kiosks", "devices", 120, "The general manager", date(2026, 10, 1))
    return Dossier(
        made_at=AT,
        today=TODAY,
        since=TODAY - timedelta(days=90),
        measured_since=TODAY - timedelta(days=30),
        pack=pack,
        packs=(pack,),
        handler=_handler(),
        purposes=(_purpose(),),
        venues=(_venue(),),
        numbers=parts.NumbersPart(
            stored=10_050, lower=10_050, upper=10_290, highest=10_400, highest_ever=11_000, cumulative=14_000,
            in_backups=120, elsewhere=(elsewhere,), public_devices=1,
        ),
        group=parts.GroupPart(2, 19_400, 19_800),
        signals=(parts.SignalPart(Text("A backup was restored.", "曾恢复备份。"), date(2026, 11, 20), "persons: 12"),),
        lines=(parts.LinePart(pack.name, 10_001, 1, 30),),
        duties=(duty,),
        models=models,
        operating=operating,
        safeguards=parts.SafeguardsPart(
            keys_from=KeysFrom.HARDWARE, key_holder=True, tls=Text("TLS, ending in this server", "TLS，在本服务器终止"),
            database=Text("Over a socket", "经套接字"), witnesses=3, quorum=True, backup_days=35, request_days=15,
            request_keep_days=1096, receipt_days=1095, budget_device=20_000, budget_claim=240,
            attack_check=AttackChecking.WHEN_OFFERED, staff=4,
        ),
        refusals=(parts.RefusalPart(pack.name, "9", "enrol", 7), parts.RefusalPart("", "", "verify", 2)),
        parity=(
            parts.ParityPart(
                "harbour", "check-in", face=812, other=407, face_seconds=21.0, other_seconds=24.5, face_steps=3.0,
                other_steps=3.0, refused=88, abandoned=12, verdict="equal",
            ),
        ),
        disposal=parts.DisposalPart(57, (destruction,), references_left=0, originals_left=0),
        log=parts.LogPart("faces.example/log/harbour-hotel/1", 48_211, "9a" * 32),
        filed=parts.FiledPart(
            "沪网信备 2026-0071", date(2026, 11, 2), 10_020, (parts.ChangePart("retention/check-in", "60", "30"),)
        ),
        snapshot={"handler": {"name": "Harbour Hotel 海港酒店"}, "retention": {"check-in": 30}},
    )  # fmt: skip
