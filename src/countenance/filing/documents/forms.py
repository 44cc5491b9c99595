"""The forms of the filing: who files, with which scenarios, and the nine items that a filing consists of."""

from collections.abc import Mapping, Sequence
from typing import Final

from countenance.answer import Text
from countenance.filing.documents.dossier import Dossier
from countenance.filing.documents.heading import heading, notice_says, of_each
from countenance.filing.documents.on_file import held, missing
from countenance.filing.documents.scenario import PurposePart
from countenance.filing.documents.tree import (
    Block,
    Cell,
    Document,
    Fields,
    Grid,
    Items,
    Paragraph,
    Section,
)
from countenance.filing.documents.words import NONE, instant, joined, word
from countenance.vocabulary import NoticeItem

FORM_1: Final = "form-1-handler"
FORM_2: Final = "form-2-application"
CHECKLIST: Final = "checklist"
ASSESSMENT: Final = "assessment"


def form_1(dossier: Dossier) -> Document:
    """Return the handler's basic information."""
    handler = dossier.handler
    who: list[tuple[Text, Cell]] = [
        (Text("Name", "名称"), held("handler.name", handler.name)),
        (Text("Unified social credit code", "统一社会信用代码"), held("handler.credit_code", handler.credit_code)),
        (Text("Registered address", "注册地址"), missing("hand.address")),
        (Text("Contact", "联系方式"), held("handler.contact", handler.contact)),
        (
            Text("Legal representative or person responsible", "法定代表人或主要负责人"),
            missing("hand.legal_representative"),
        ),
        (Text("Group", "所属集团"), handler.group or Text("None is declared", "未声明所属集团")),
    ]
    officer: list[tuple[Text, Cell]] = [
        (Text("Protection officer", "个人信息保护负责人"), held("handler.officer", handler.officer)),
        (Text("Contact of the officer", "负责人联系方式"), held("handler.officer_contact", handler.officer_contact)),
        (Text("Agent who files", "经办人"), missing("hand.agent")),
    ]
    return Document(
        FORM_1,
        Text("Form 1: basic information of the handler", "表一：个人信息处理者基本信息表"),
        heading(dossier),
        (
            Section(Text("The handler", "处理者"), (Fields(tuple(who)),)),
            Section(Text("The persons who answer for it", "负责人员"), (Fields(tuple(officer)),)),
            Section(Text("Signature", "签章"), (Paragraph(missing("hand.signature")),)),
        ),
    )


def form_2(dossier: Dossier) -> Document:
    """Return the application of face recognition, with every scenario and every device."""
    numbers = dossier.numbers
    scenarios = of_each(dossier, tuple(_scenario(dossier, each) for each in dossier.purposes))
    overview: tuple[tuple[Text, Cell], ...] = (
        (Text("Filed under", "备案依据"), dossier.pack.title),
        (Text("Authority", "主管部门"), dossier.pack.authority),
        (Text("Scenarios", "应用场景数"), str(len(dossier.purposes))),
        (Text("Persons stored, lower and upper bound", "存储人数（下限与上限）"), f"{numbers.lower} – {numbers.upper}"),
        (Text("Devices in public places", "公共场所设备数"), str(numbers.public_devices)),
        (Text("Entrusted processors and recipients", "受托处理者与接收方"), missing("hand.third_parties")),
    )
    return Document(
        FORM_2,
        Text("Form 2: application of face recognition", "表二：人脸识别技术应用备案表"),
        heading(dossier),
        (
            Section(Text("Overview", "概况"), (Fields(overview),)),
            *scenarios,
            Section(Text("Where devices stand", "设备位置"), (_devices(dossier),)),
            Section(Text("Signature", "签章"), (Paragraph(missing("hand.signature")),)),
        ),
    )


def _scenario(dossier: Dossier, purpose: PurposePart) -> Section:
    of = purpose.code
    basis: Cell = Text("Consent of the person", "个人同意")
    if purpose.basis is not None:
        lifts = joined(word(each) for each in purpose.basis.lifts)
        basis = Text(f"{purpose.basis.citation} ({lifts.en})", f"{purpose.basis.citation}（{lifts.zh}）")
    offered = {way.venue for way in purpose.ways}  # a purpose with no other way anywhere can be active in all venues
    venues = joined(Text(each.name, each.name) for each in dossier.venues if not offered or each.id in offered)
    since = purpose.active_since
    active = Text("Not active", "未启用") if since is None else instant(since)
    rows: tuple[tuple[Text, Cell], ...] = (
        (Text("Code", "代码"), of),
        (Text("Purpose", "处理目的"), notice_says(purpose, NoticeItem.PURPOSE)),
        (Text("Method", "处理方式"), notice_says(purpose, NoticeItem.METHOD)),
        (Text("Comparison", "比对方式"), word(purpose.comparison)),
        (Text("Data", "处理的信息"), notice_says(purpose, NoticeItem.DATA)),
        (Text("Stored where", "存储位置"), notice_says(purpose, NoticeItem.STORAGE)),
        (Text("Kept, days", "保存天数"), held("purpose.retention_days", purpose.retention_days, of)),
        (Text("Basis", "处理依据"), basis),
        (
            Text("Major personal interests at stake", "涉及重大个人利益"),
            held("purpose.major_interest", purpose.major_interest, of),
        ),
        (Text("For public security", "用于维护公共安全"), held("purpose.public_security", purpose.public_security, of)),
        (Text("Venues", "场所"), venues if venues.en else NONE),
        (Text("Active since", "启用时间"), active),
    )
    title = Text(f"Scenario: {purpose.title.en}", f"应用场景：{purpose.title.zh}")
    return Section(title, (Fields(rows),))


def _devices(dossier: Dossier) -> Block:
    if not dossier.venues:
        return Paragraph(missing("venues"))
    rows = tuple(
        (
            device.name,
            venue.name,
            word(venue.kind),
            place.name,
            word(place.kind),
            held("place.public", place.public, place.id),
            held("device.registered_on", device.registered_on, device.id),
        )
        for venue, place, device in dossier.devices
    )
    header = (
        Text("Device", "设备"),
        Text("Venue", "场所"),
        Text("Kind of venue", "场所类型"),
        Text("Place", "位置"),
        Text("Kind of place", "位置类型"),
        Text("Public", "公共场所"),
        Text("Registered on", "登记日期"),
    )
    return (
        Grid(Text("Each device and its place", "设备及其位置"), header, rows)
        if rows
        else Paragraph(Text("No device is declared.", "未申报设备。"))
    )


def checklist(dossier: Dossier, made: Mapping[str, Sequence[Document]]) -> Document:
    """Return the nine items of a filing, and for each what of it is made and what is missing of that.

    `made` holds the documents that are made, by the item they belong to.
    """
    items: tuple[tuple[Text, Cell], ...] = (
        (Text("Basic information of the handler", "个人信息处理者基本信息表"), _state(made.get(FORM_1, ()))),
        (Text("Application of face recognition", "人脸识别技术应用备案表"), _state(made.get(FORM_2, ()))),
        (Text("Impact assessment", "个人信息保护影响评估报告"), _state(made.get(ASSESSMENT, ()))),
        (Text("Certificate of the unified social credit code", "统一社会信用代码证件"), missing("hand.licence_scan")),
        (
            Text("Identity document of the legal representative", "法定代表人身份证件"),
            missing("hand.representative_scan"),
        ),
        (Text("Identity document of the agent", "经办人身份证件"), missing("hand.agent_scan")),
        (Text("Power of attorney", "授权委托书"), missing("hand.power_of_attorney")),
        (Text("Letter of commitment", "承诺书"), missing("hand.commitment")),
        (Text("Other material", "其他材料"), missing("hand.other")),
    )
    rows = tuple(
        (Text(f"{place}. {name.en}", f"{place}. {name.zh}"), state) for place, (name, state) in enumerate(items, 1)
    )
    before = (
        Text(
            "Names and codes are those of the business licence, letter by letter.", "名称与代码须与营业执照逐字一致。"
        ),
        Text("No identity document has expired on the day it is filed.", "提交之日各身份证件均在有效期内。"),
        Text("A branch says so: “filed centrally by headquarters”.", "分支机构须注明“由总部统一备案”。"),
        Text("Each scenario of form 2 is entered by itself.", "表二的每个应用场景须分别填报。"),
    )
    return Document(
        CHECKLIST,
        Text("Checklist of the nine items", "备案材料清单（九项）"),
        heading(dossier),
        (
            Section(
                Text("Items", "材料"),
                (Grid(Text("Each with its state", "各项状态"), (Text("Item", "材料"), Text("State", "状态")), rows),),
            ),
            Section(Text("Before it is sent", "提交前核对"), (Items(before),)),
        ),
    )


def _state(documents: Sequence[Document]) -> Cell:
    """Return whether what is made lacks something; what a person adds by hand is counted by itself."""
    if not documents:
        return Text("Not made: nothing is on file for it", "未生成：系统中没有相应登记")
    marks = [each for document in documents for each in document.missing()]
    lacking, by_hand = sum(not each.by_hand for each in marks), sum(each.by_hand for each in marks)
    return Text(
        f"In this package; missing on file: {lacking}; to be added by hand: {by_hand}",
        f"已含于本材料包；系统缺失：{lacking} 项；须人工填写：{by_hand} 项",
    )
