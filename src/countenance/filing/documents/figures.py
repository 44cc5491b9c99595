"""Numbers: persons by either bound, how far from each line, how the duties stand; and the statement below a line."""

from typing import Final

from countenance.answer import Text
from countenance.filing.documents.dossier import Dossier, DutyPart, LinePart
from countenance.filing.documents.heading import heading
from countenance.filing.documents.on_file import missing
from countenance.filing.documents.tree import Block, Cell, Document, Fields, Grid, Items, Paragraph, Section
from countenance.filing.documents.words import NONE, day, word
from countenance.vocabulary import FilingState

_ELSEWHERE: Final = {
    "devices": Text("On devices", "设备"),
    "backups": Text("In backups", "备份"),
    "quarantine": Text("In quarantine", "隔离区"),
    "import": Text("To be imported", "待导入"),
    "other": Text("In another system", "其他系统"),
}
_METHOD: Final = (
    Text(
        "A person counts once from the first stored template or original to the last, whatever their number.",
        "自首个模板或原始图像存入至最后一个销毁，每人计一次，与数量无关。",
    ),
    Text(
        "Persons are told apart by identifier. Faces are never compared to count them.",
        "按标识符区分人员；从不为计数而比对人脸。",
    ),
    Text(
        "The upper bound is the plain sum of this server, of whom a backup still holds, and of what is declared to be "
        "stored elsewhere; the lower bound is the largest of these alone. Lines are judged by the upper bound.",
        "上限为本系统现存、仅存于备份与申报存于其他系统人数之和；下限为其中最大者。是否达到备案线以上限为准。",
    ),
    Text("Falling below a line closes no duty.", "人数回落不消除已产生的义务。"),
)


def numbers(dossier: Dossier) -> Document:
    """Return both bounds, the peak, all there ever were, each line and how far from it, and every duty."""
    return Document(
        "numbers",
        Text("Numbers of persons stored", "存储人数"),
        heading(dossier),
        (
            Section(Text("Persons", "人数"), (_persons(dossier), *_elsewhere(dossier))),
            Section(Text("Lines of filing", "备案线"), (_lines(dossier),)),
            Section(Text("Duties", "备案义务"), (_duties(dossier),)),
            Section(Text("Signals", "信号"), _signals(dossier)),
            Section(Text("How it is counted", "计数方法"), (Items(_METHOD),)),
            Section(Text("Where it can be checked", "核验依据"), (_log(dossier),)),
        ),
    )


def statement(dossier: Dossier) -> Document:
    """Return the quarterly statement of an operator below every line; above one, it says that it is none."""
    quarter = f"{dossier.today.year} Q{(dossier.today.month + 2) // 3}"
    reached = [each for each in dossier.lines if _reached(dossier, each)]
    raised = [each for each in dossier.duties if each.raised_on is not None]
    if reached or raised:
        packs = ", ".join(sorted({each.pack for each in reached} | {each.pack for each in raised}))
        finding = Text(
            f"A line was reached under {packs}: a filing is due or made, and this is no statement below the line.",
            f"已达到 {packs} 的备案线：应予备案或已备案，本文件不构成线下声明。",
        )
    else:
        finding = Text(
            "On the day this was made no line of filing was reached, and no duty to file was ever raised.",
            "截至生成之日，未达到任何备案线，也从未产生备案义务。",
        )
    return Document(
        "threshold-statement",
        Text(f"Threshold statement, {quarter}", f"备案线声明（{quarter}）"),
        heading(dossier),
        (
            Section(Text("Statement", "声明"), (Paragraph(finding), _persons(dossier), *_elsewhere(dossier))),
            Section(Text("Lines of filing", "备案线"), (_lines(dossier),)),
            Section(Text("The group", "所属集团"), (_group(dossier),)),
            Section(Text("Signals", "信号"), _signals(dossier)),
            Section(
                Text("What holds from the first person on", "自第一人起即适用的义务"),
                (Items(_FROM_THE_FIRST),),
            ),
            Section(Text("How it is counted", "计数方法"), (Items(_METHOD),)),
            Section(Text("Where it can be checked", "核验依据"), (_log(dossier),)),
            Section(Text("Signature", "签章"), (Paragraph(missing("hand.signature")),)),
        ),
    )


_FROM_THE_FIRST: Final = (
    Text("Consent, or the law that orders otherwise, before anything is processed", "处理前取得同意，或有法律规定"),
    Text("Notice before capture, and an equal way for whoever says no", "采集前告知，并为拒绝者提供同等方式"),
    Text("An impact assessment that is current, kept three years", "现行有效的影响评估，保存三年"),
    Text(
        "No device in private places, no original kept, no sensitive analysis",
        "私密场所不设设备，不留存原始图像，不作敏感分析",
    ),
    Text("Special rules for those under 14", "对不满十四周岁者的专门规则"),
)


def _reached(dossier: Dossier, line: LinePart) -> bool:
    persons = line.persons_from is not None and dossier.numbers.upper >= line.persons_from
    devices = line.public_devices_from is not None and dossier.numbers.public_devices >= line.public_devices_from
    return persons or devices


def _persons(dossier: Dossier) -> Fields:
    held = dossier.numbers
    elsewhere = sum(each.persons for each in held.elsewhere)
    return Fields(
        (
            (Text("Stored here now", "本系统现存"), str(held.stored)),
            (Text("In backups only", "仅存于备份"), str(held.in_backups)),
            (Text("Declared to be stored elsewhere", "申报存于其他系统"), str(elsewhere)),
            (Text("Lower bound", "下限"), str(held.lower)),
            (Text("Upper bound", "上限"), str(held.upper)),
            (Text("Peak since the last filing", "上次备案以来峰值"), str(held.highest)),
            (Text("Peak ever", "历史峰值"), str(held.highest_ever)),
            (Text("All persons since the start", "自始累计"), str(held.cumulative)),
            (Text("Devices in public places", "公共场所设备"), str(held.public_devices)),
        )
    )


def _group(dossier: Dossier) -> Block:
    if dossier.handler.group is None:
        return Paragraph(Text("No group is declared.", "未声明所属集团。"))
    here: list[tuple[Text, Cell]] = [(Text("Group", "所属集团"), dossier.handler.group)]
    if dossier.group is not None:
        bounds = f"{dossier.group.lower} – {dossier.group.upper}"
        members = Text(f"{bounds}, {dossier.group.members} members", f"{bounds}，{dossier.group.members} 个成员")
        here.append(
            (Text("Persons of its members on this server, both bounds", "本系统内各成员人数（下限与上限）"), members)
        )
    return Fields((*here, (Text("Persons in all of it", "集团总人数"), missing("hand.group_total"))))


def _signals(dossier: Dossier) -> tuple[Block, ...]:
    """Return what was seen that could mean that a line is avoided; each may have an innocent explanation."""
    never = Text(
        "Signals are no verdicts: each may have an innocent explanation.", "信号不是结论：每项都可能有正当原因。"
    )
    if not dossier.signals:
        return (Paragraph(Text("There are none.", "没有信号。")),)
    header = (Text("What was seen", "情形"), Text("Since", "起始日期"), Text("Numbers", "数据"))
    rows = tuple((each.means, day(each.since), each.numbers) for each in dossier.signals)
    return (Paragraph(never), Grid(Text("What was seen, and since when", "情形与起始日期"), header, rows))


def _elsewhere(dossier: Dossier) -> tuple[Block, ...]:
    if not dossier.numbers.elsewhere:
        return ()
    header = (
        Text("Where", "何处"),
        Text("Kind", "类别"),
        Text("Persons", "人数"),
        Text("Declared by, on", "声明人与日期"),
    )
    rows = tuple(
        (
            each.name,
            _ELSEWHERE.get(each.kind, _ELSEWHERE["other"]),
            str(each.persons),
            f"{each.declared_by}, {day(each.declared_on)}",
        )
        for each in dossier.numbers.elsewhere
    )
    return (Grid(Text("Declared to be stored elsewhere", "申报存于其他系统"), header, rows),)


def _lines(dossier: Dossier) -> Block:
    if not dossier.lines:
        return Paragraph(Text("No pack of law that binds today has a line of filing.", "今日适用的规则包没有备案线。"))
    header = (
        Text("Pack", "规则包"),
        Text("Persons from", "人数线"),
        Text("Share reached, per cent", "已达比例（%）"),
        Text("Public devices from", "公共场所设备线"),
        Text("Working days to file", "备案期限（工作日）"),
    )
    rows = tuple(
        (
            each.pack,
            "–" if each.persons_from is None else str(each.persons_from),
            "–" if each.persons_from is None else str(100 * dossier.numbers.upper // each.persons_from),
            "–" if each.public_devices_from is None else str(each.public_devices_from),
            str(each.working_days),
        )
        for each in dossier.lines
    )
    return Grid(Text("Lines, judged by the upper bound", "备案线（以上限判断）"), header, rows)


def _duties(dossier: Dossier) -> Block:
    if not dossier.duties:
        return Paragraph(Text("No pack of law that binds today demands a filing.", "今日适用的规则包均不要求备案。"))
    header = (
        Text("Pack", "规则包"),
        Text("State", "状态"),
        Text("To be filed", "应办事项"),
        Text("Raised by", "产生原因"),
        Text("Raised on", "产生日期"),
        Text("Last day", "截止日"),
        Text("Filing number", "备案号"),
    )
    return Grid(Text("How each stands", "各项状态"), header, tuple(_duty(each) for each in dossier.duties))


def _duty(each: DutyPart) -> tuple[Cell, ...]:
    """Return the row of one duty; a number can lack only where something was filed."""
    number: Cell = each.number or NONE
    if each.state is FilingState.FILED and not each.number:
        number = missing("filed.number", each.pack)
    last = "–" if each.deadline is None else day(each.deadline)
    provisional = Text(f"{last}, provisional: the holidays are not announced", f"{last}（暂定：节假日安排尚未公布）")
    return (
        each.pack,
        Text("Unknown: a place is not declared", "不明：有位置未声明") if each.state is None else word(each.state),
        NONE if each.demands is None else word(each.demands),
        NONE if each.cause is None else word(each.cause),
        "–" if each.raised_on is None else day(each.raised_on),
        provisional if each.provisional else last,
        number,
    )


def _log(dossier: Dossier) -> Block:
    if dossier.log is None:
        return Paragraph(missing("log"))
    return Fields(
        (
            (Text("Log", "日志"), dossier.log.origin),
            (Text("Entries signed", "已签署条目"), str(dossier.log.size)),
            (Text("Root", "根哈希"), dossier.log.root),
        )
    )
