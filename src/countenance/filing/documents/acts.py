"""What is filed after the first time: what changed since, and that use has stopped, with proof of destruction."""

from countenance.answer import Text
from countenance.filing.documents.changes import part_words
from countenance.filing.documents.dossier import Dossier
from countenance.filing.documents.heading import heading
from countenance.filing.documents.on_file import held, missing
from countenance.filing.documents.tree import Block, Cell, Document, Fields, Grid, Missing, Paragraph, Section
from countenance.filing.documents.words import day, instant


def change(dossier: Dossier) -> Document:
    """Return what differs from what was filed, thing by thing."""
    return Document(
        "change",
        Text("Filing of a substantive change", "备案信息实质性变更说明"),
        heading(dossier),
        (
            Section(Text("What was filed", "原备案"), (_filed(dossier),)),
            Section(Text("What has changed since", "变更内容"), (_changes(dossier),)),
            Section(Text("Signature", "签章"), (Paragraph(missing("hand.signature")),)),
        ),
    )


def _filed(dossier: Dossier) -> Block:
    filed = dossier.filed
    if filed is None:
        return Paragraph(missing("filed", dossier.pack.name))
    rows: tuple[tuple[Text, Cell], ...] = (
        (Text("Filed under", "备案依据"), dossier.pack.title),
        (Text("Filing number", "备案号"), held("filed.number", filed.number, dossier.pack.name)),
        (Text("Filed on", "备案日期"), day(filed.filed_on)),
        (Text("Persons then", "当时人数"), str(filed.persons)),
        (Text("Persons now, upper bound", "现人数（上限）"), str(dossier.numbers.upper)),
    )
    return Fields(rows)


def _changes(dossier: Dossier) -> Block:
    filed = dossier.filed
    if filed is None:
        return Paragraph(missing("filed", dossier.pack.name))
    if not filed.changes:
        return Paragraph(Text("Nothing that was filed differs from what is on file.", "现登记内容与备案内容一致。"))
    header = (Text("What", "事项"), Text("As filed", "备案内容"), Text("Now", "现内容"))
    rows = tuple((part_words(each.field), each.before, each.after) for each in filed.changes)
    return Grid(Text("Differences", "差异"), header, rows)


def deregistration(dossier: Dossier) -> Document:
    """Return that use has stopped, what was destroyed, and by which entries of the log that can be proven."""
    return Document(
        "deregistration",
        Text("Deregistration and disposal", "备案注销与依法处置说明"),
        heading(dossier),
        (
            Section(Text("What was filed", "原备案"), (_filed(dossier),)),
            Section(Text("What is still stored", "剩余存储"), (_left(dossier),)),
            Section(Text("Purposes still active", "仍启用的目的"), (_active(dossier),)),
            Section(Text("Proof of destruction", "销毁证明"), _proof(dossier)),
            Section(Text("Copies elsewhere", "其他副本"), (Paragraph(missing("hand.disposal")),)),
            Section(Text("Signature", "签章"), (Paragraph(missing("hand.signature")),)),
        ),
    )


def _left(dossier: Dossier) -> Block:
    disposal, numbers = dossier.disposal, dossier.numbers
    left = disposal.references_left + disposal.originals_left + numbers.upper
    figures: tuple[tuple[Text, Cell], ...] = (
        (Text("Templates", "模板"), str(disposal.references_left)),
        (Text("Originals", "原始图像"), str(disposal.originals_left)),
        (Text("Persons, upper bound", "人数（上限）"), str(numbers.upper)),
        (
            Text("Disposal", "处置"),
            missing("disposal.left") if left else Text("Nothing is stored any more", "已无存储"),
        ),
    )
    return Fields(figures)


def _active(dossier: Dossier) -> Block:
    active = [each for each in dossier.purposes if each.active_since is not None]
    if not active:
        return Paragraph(Text("None", "无"))
    mark = missing("disposal.left")
    return Paragraph(
        Missing(
            "disposal.active",
            Text(
                f"Purposes that are still active: {', '.join(each.code for each in active)}",
                f"仍启用的目的：{'、'.join(each.code for each in active)}",
            ),
            mark.remedy,
        )
    )


def _proof(dossier: Dossier) -> tuple[Block, ...]:
    disposal, log = dossier.disposal, dossier.log
    if not disposal.listed:
        return (Paragraph(missing("disposal.records")),)
    intro = Text(
        f"{disposal.records} records say what was destroyed; the newest {len(disposal.listed)} follow. Each can be "
        "proven in the log by its digest; the whole list: countenance records",
        f"共有 {disposal.records} 条销毁记录，以下为最近 {len(disposal.listed)} 条；每条均可按摘要在日志中核验；"
        "完整清单：countenance records",
    )
    header = (
        Text("Record", "记录"),
        Text("At", "时间"),
        Text("What", "行为"),
        Text("Digest", "摘要"),
        Text("Entry of the log", "日志条目"),
    )
    rows = tuple(
        (
            each.record_id,
            instant(each.at),
            each.kind,
            each.digest,
            Text("not in it yet", "尚未载入") if each.log_index is None else str(each.log_index),
        )
        for each in disposal.listed
    )
    signed: Block = Paragraph(missing("log"))
    if log is not None:
        signed = Fields(
            (
                (Text("Log", "日志"), log.origin),
                (Text("Entries signed", "已签署条目"), str(log.size)),
                (Text("Root", "根哈希"), log.root),
            )
        )
    return (Paragraph(intro), signed, Grid(Text("Records of destruction", "销毁记录"), header, rows))
