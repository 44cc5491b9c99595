"""Statements in sentences and tables: necessity and other ways, purpose and method, rules and procedures."""

from countenance.answer import Text
from countenance.filing.documents.dossier import Dossier, ParityPart
from countenance.filing.documents.heading import heading, notice_says, of_each
from countenance.filing.documents.on_file import held, missing, standing
from countenance.filing.documents.scenario import PurposePart
from countenance.filing.documents.tree import Block, Cell, Document, Fields, Grid, Items, Paragraph, Section
from countenance.filing.documents.words import day, hours, instant, word
from countenance.vocabulary import NoticeItem, Role

_VERDICTS = {
    "equal": Text("Equal", "同等"),
    "face_easier": Text("The face is easier: a finding", "人脸更便利：须整改"),
    "unknown": Text("Too little measured", "测量不足"),
}


def necessity(dossier: Dossier) -> Document:
    """Return why each purpose needs faces, which other ways there are, and how those compare as measured."""
    return Document(
        "necessity",
        Text("Statement of necessity and alternatives", "必要性与替代方式说明"),
        heading(dossier),
        (
            *of_each(dossier, tuple(_necessity(dossier, each) for each in dossier.purposes)),
            Section(Text("The face and the other way, as measured", "人脸与其他方式的实测比较"), (_parity(dossier),)),
        ),
    )


def _necessity(dossier: Dossier, purpose: PurposePart) -> Section:
    of = purpose.code
    rows: tuple[tuple[Text, Cell], ...] = (
        (Text("Why faces are needed", "使用人脸的必要性"), held("purpose.necessity", purpose.necessity, of)),
        (
            Text("Which ways without a face were weighed", "评估过的非人脸方式"),
            held("purpose.alternatives_assessed", purpose.alternatives_assessed, of),
        ),
        (Text("Necessity to the person", "对个人的必要性"), notice_says(purpose, NoticeItem.NECESSITY)),
        (Text("Effect on the person's rights", "对个人权益的影响"), notice_says(purpose, NoticeItem.EFFECT)),
        (Text("Signed by", "签署人"), held("purpose.necessity_signed_by", purpose.necessity_signed_by, of)),
        (
            Text("Stands until", "有效期至"),
            standing("purpose.necessity_expires_on", purpose.necessity_expires_on, dossier.today, of),
        ),
    )
    ways: Block = Paragraph(missing("purpose.ways", of))
    if purpose.ways:
        header = (Text("Way", "方式"), Text("Venue", "场所"), Text("Hours", "时间"), Text("Works", "是否可用"))
        lines = tuple(
            (way.title, way.venue, hours(way.hours), held("way.working", way.working, way.id)) for way in purpose.ways
        )
        ways = Grid(Text("Ways without a face", "非人脸的方式"), header, lines)
    return Section(purpose.title, (Fields(rows), ways))


def _parity(dossier: Dossier) -> Block:
    since = day(dossier.measured_since)
    if not dossier.parity:
        return Paragraph(Text(f"Nothing was measured since {since}.", f"自 {since} 起没有测量数据。"))
    header = (
        Text("Venue and purpose", "场所与目的"),
        Text("By face / other way / no / left", "人脸／其他方式／拒绝／离开"),
        Text("Seconds: face / other", "秒数：人脸／其他"),
        Text("Steps: face / other", "步骤：人脸／其他"),
        Text("Verdict", "结论"),
    )
    rows = tuple(_compared(each) for each in dossier.parity)
    return Grid(Text(f"Medians since {since}", f"自 {since} 起的中位数"), header, rows)


def _compared(each: ParityPart) -> tuple[Cell, ...]:
    return (
        f"{each.venue} / {each.purpose}",
        f"{each.face} / {each.other} / {each.refused} / {each.abandoned}",
        f"{_number(each.face_seconds)} / {_number(each.other_seconds)}",
        f"{_number(each.face_steps)} / {_number(each.other_steps)}",
        _VERDICTS[each.verdict],
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"


def purpose_and_method(dossier: Dossier) -> Document:
    """Return for each purpose what people are told, item by item, and how it is done."""
    return Document(
        "purpose-and-method",
        Text("Purpose and method of processing", "处理目的与处理方式"),
        heading(dossier),
        of_each(dossier, tuple(_told(dossier, each) for each in dossier.purposes)),
    )


def _told(dossier: Dossier, purpose: PurposePart) -> Section:
    of = purpose.code
    told = tuple((word(item), notice_says(purpose, item)) for item in NoticeItem)
    notice = purpose.notice
    version: Cell = missing("purpose.notice", of)
    if notice is not None:
        version = Text(
            f"Version {notice.version}, published {instant(notice.published_at)}, SHA-256 {notice.digest}",
            f"第 {notice.version} 版，{instant(notice.published_at)} 发布，SHA-256 {notice.digest}",
        )
    done: tuple[tuple[Text, Cell], ...] = (
        (Text("Comparison", "比对方式"), word(purpose.comparison)),
        (Text("Steps to consent", "同意所需步骤"), held("purpose.steps_to_consent", purpose.steps_to_consent, of)),
        (Text("Steps to withdraw", "撤回所需步骤"), held("purpose.steps_to_withdraw", purpose.steps_to_withdraw, of)),
        (Text("Days kept", "保存天数"), held("purpose.retention_days", purpose.retention_days, of)),
        (Text("Notice", "告知文本"), version),
    )
    return Section(
        purpose.title,
        (),
        (
            Section(Text("What people are told", "告知内容"), (Fields(told),)),
            Section(Text("How it is done", "实施方式"), (Fields(done), _models(dossier))),
        ),
    )


def _models(dossier: Dossier) -> Block:
    """Return which networks are at work."""
    if not dossier.models:
        return Paragraph(missing("models"))
    header = (Text("Model", "模型"), Text("Role", "作用"), Text("SHA-256", "SHA-256"))
    rows = tuple((f"{each.id} {each.version}", each.role, each.sha256) for each in dossier.models)
    return Grid(Text("Networks at work", "所用模型"), header, rows)


def rules(dossier: Dossier) -> Document:
    """Return the rules that the server enforces, what it refused by them, and who may do what."""
    return Document(
        "rules-and-procedures",
        Text("Processing rules and operating procedures", "处理规则与操作规程"),
        heading(dossier),
        (
            Section(Text("The law that is asked", "适用的规则"), (_packs(dossier),)),
            Section(Text("What happens with a face", "人脸处理流程"), (Items(_PROCEDURE, numbered=True),)),
            Section(Text("Who may do what", "权限划分"), (Items(tuple(word(role) for role in Role)),)),
            Section(
                Text("Those under 14", "不满十四周岁的未成年人"),
                (Paragraph(held("handler.minor_rules", dossier.handler.minor_rules)),),
            ),
            Section(Text("What was refused", "拒绝情况"), (_refusals(dossier),)),
            Section(Text("Rules of the house", "本单位规程"), (Paragraph(missing("hand.procedures")),)),
        ),
    )


_PROCEDURE = (
    Text(
        "Before a pixel is decoded, the law is asked about what is declared and on file; a fact that nobody "
        "established refuses.",
        "解码图像之前，就申报与登记的事实询问规则；未经确认的事实一律拒绝。",
    ),
    Text(
        "The face is found and measured; then the law is asked again, before features are extracted. Other faces are "
        "dropped.",
        "检出并测量人脸后、提取特征之前再次询问规则；其他人脸即行丢弃。",
    ),
    Text(
        "Features are compared with the references of this purpose alone; the original is never written.",
        "特征仅与本目的的参考比对；原始图像不写入任何存储。",
    ),
    Text(
        "Act and answer are recorded in one transaction, and the record goes into a signed log; without a record there "
        "is no answer.",
        "行为与答复在同一事务中记录，并载入签名日志；没有记录即不答复。",
    ),
    Text(
        "What outlives its days, or whose consent was withdrawn, is destroyed: its key first, then its rows.",
        "期满或撤回同意的信息即行销毁：先销毁密钥，再删除数据。",
    ),
)


def _packs(dossier: Dossier) -> Block:
    header = (Text("Act", "规范"), Text("Authority", "机关"), Text("Binds today", "今日适用"), Text("Edition", "版本"))
    rows = tuple(
        (
            each.title,
            each.authority,
            Text("yes", "是") if each.binds else Text("no", "否"),
            f"{each.name} {each.edition}",
        )
        for each in dossier.packs
    )
    return Grid(Text("Packs of law; the strictest wins", "规则包；从严适用"), header, rows)


def _refusals(dossier: Dossier) -> Block:
    since = day(dossier.since)
    if not dossier.refusals:
        return Paragraph(Text(f"Nothing was refused since {since}.", f"自 {since} 起没有拒绝。"))
    header = (Text("Article", "条文"), Text("Act", "行为"), Text("Refusals", "拒绝次数"))
    rows = tuple(
        (
            f"{each.pack} {each.article}" if each.pack else Text("The server itself", "系统自身"),
            each.action,
            str(each.refusals),
        )
        for each in dossier.refusals
    )
    caption = Text(f"Refusals by article since {since}", f"自 {since} 起按条文统计的拒绝")
    return Grid(caption, header, rows)
