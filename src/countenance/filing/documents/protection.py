"""How the data are protected: safeguards, evidence control by control, how long what is kept, public places."""

from typing import Final

from countenance.answer import Text
from countenance.filing.documents.dossier import DevicePart, Dossier, PlacePart, VenuePart
from countenance.filing.documents.heading import heading
from countenance.filing.documents.on_file import held, missing, standing
from countenance.filing.documents.tree import Block, Cell, Document, Fields, Grid, Items, Paragraph, Section
from countenance.filing.documents.words import NONE, NOT_NEEDED, share, word, yes
from countenance.vocabulary import Comparing

RETENTION: Final = "retention-schedule"
_SEALED: Final = Text(
    "Templates and kept originals are sealed with AES-256-GCM, each person and purpose under a key of its own, which "
    "is wrapped by the operator's key; the originals of ordinary acts are never written.",
    "模板及依法留存的原始图像以 AES-256-GCM 加密，每人每目的一个密钥，并由处理者密钥封装；一般行为的原始图像从不写入。",
)


def safeguards(dossier: Dossier) -> Document:
    """Return what protects the data, and how well the networks at work do."""
    return Document(
        "safeguards",
        Text("Protection measures", "安全保护措施"),
        heading(dossier),
        (
            Section(Text("Encryption", "加密"), (_bare(_encryption(dossier)),)),
            Section(Text("Access and audit", "访问控制与审计"), (_bare(_audit(dossier)),)),
            Section(Text("Attack and intrusion", "攻击与入侵防范"), (_bare(_attack(dossier)),)),
            Section(Text("Accuracy", "准确性"), (*models(dossier), operating(dossier))),
            Section(Text("Grade of protection", "网络安全等级保护"), (Paragraph(missing("hand.grade")),)),
        ),
    )


#: A control: what it is, how it is configured, and by what that can be seen.
Control = tuple[Text, Cell, Text]


def _bare(controls: tuple[Control, ...]) -> Fields:
    return Fields(tuple((name, value) for name, value, _ in controls))


def _setting(*names: str) -> Text:
    listed = ", ".join(f"COUNTENANCE_{name}" for name in names)
    return Text(f"Set by: {listed}", f"设置：{listed}")


def _command(*commands: str) -> Text:
    listed = "; ".join(commands)
    return Text(f"Run: {listed}", f"运行：{listed}")


def _encryption(dossier: Dossier) -> tuple[Control, ...]:
    configured = dossier.safeguards
    encrypted = [each.code for each in dossier.purposes if each.comparison is Comparing.ENCRYPTED]
    backups = Text(f"Kept {configured.backup_days} days at most", f"最长保存 {configured.backup_days} 天")
    return (
        (
            Text("At rest", "静态加密"),
            _SEALED,
            Text(
                "Columns reference.sealed and original.sealed of the database",
                "数据库列 reference.sealed 与 original.sealed",
            ),
        ),
        (Text("Operator's key", "处理者密钥"), word(configured.keys_from), _setting("KEYS_FROM", "KEYS_DIR")),
        (
            Text("Purposes compared under encryption", "密文比对的目的"),
            Text(", ".join(encrypted), "、".join(encrypted)) if encrypted else NONE,
            Text("Site file: purposes.….matching", "站点文件：purposes.….matching"),
        ),
        (
            Text("Key holder as a process of its own", "独立密钥持有进程"),
            yes(configured.key_holder),
            _setting("KEYHOLDER_SOCKET"),
        ),
        (Text("On the way here", "传输加密"), configured.tls, _setting("TLS_CERTIFICATE_FILE", "TLS_ELSEWHERE")),
        (
            Text("To the database", "数据库连接"),
            configured.database,
            _setting("DATABASE_URL", "DATABASE_TLS_ELSEWHERE"),
        ),
        (Text("Backups", "备份"), backups, _setting("BACKUP_DAYS")),
    )


def _audit(dossier: Dossier) -> tuple[Control, ...]:
    configured = dossier.safeguards
    quorum = Text(", a quorum has to cosign", "，须达法定数量共同签署") if configured.quorum else Text("", "")
    witnesses = Text(f"{configured.witnesses}{quorum.en}", f"{configured.witnesses}{quorum.zh}")
    signed: Cell = missing("log")
    if dossier.log is not None:
        size = dossier.log.size
        signed = Text(f"{dossier.log.origin}, {size} entries", f"{dossier.log.origin}，{size} 条")
    return (
        (
            Text("Roles, each with its own credential", "角色（各自凭证）"),
            Text("device, officer, subject, regulator", "设备、保护负责人、个人、监管机构"),
            _command("countenance credential list"),
        ),
        (
            Text("Staff who can hold an officer's credential", "可持负责人凭证的人员数"),
            str(configured.staff),
            _command("countenance staff list"),
        ),
        (
            Text("Record of every act", "行为记录"),
            Text("In the transaction of its effect; no record, no answer", "与行为同一事务；无记录即不答复"),
            _command("countenance records"),
        ),
        (
            Text("Signed transparency log", "签名透明日志"),
            signed,
            _command("countenance log verify", "python tools/verify_log.py"),
        ),
        (Text("Witnesses of the log", "日志见证方"), witnesses, _command("countenance witness status")),
        (
            Text("Requests answered within, days", "请求答复期限（天）"),
            str(configured.request_days),
            _command("countenance requests"),
        ),
    )


def _attack(dossier: Dossier) -> tuple[Control, ...]:
    configured = dossier.safeguards
    return (
        (
            Text("Presentation attacks: check by head turns", "呈现攻击：转头检查"),
            word(configured.attack_check),
            _setting("ATTACK_CHECK"),
        ),
        (
            Text("Pictures that one device may show in 24 hours", "单台设备 24 小时图像上限"),
            str(configured.budget_device),
            _setting("BUDGET_DEVICE"),
        ),
        (
            Text("Pictures shown as one claimed person in 24 hours", "同一声称身份 24 小时图像上限"),
            str(configured.budget_claim),
            _setting("BUDGET_CLAIM"),
        ),
        (
            Text("Signals of intrusion", "入侵信号"),
            Text(
                "Budgets exceeded, a clock set back, a record or log that no longer agrees: processing stops or the "
                "officer is alarmed",
                "超出预算、时钟回拨、记录与日志不符：停止处理或向负责人告警",
            ),
            _command("countenance ready", "countenance records"),
        ),
    )


def models(dossier: Dossier) -> tuple[Block, ...]:
    """Return the networks at work, each by its digest, and what its card says it is bad at."""
    if not dossier.models:
        return (Paragraph(missing("models")),)
    made: list[Block] = []
    for each in dossier.models:
        calibrated = held("model.calibrated", each.calibrated, each.id) if each.role == "extractor" else NOT_NEEDED
        rows: tuple[tuple[Text, Cell], ...] = (
            (Text("Model", "模型"), f"{each.id} {each.version}"),
            (Text("Role", "作用"), each.role),
            (Text("SHA-256 of the weights", "权重 SHA-256"), each.sha256),
            (Text("Licence", "许可"), each.licence),
            (Text("Origin", "来源"), each.origin),
            (Text("Calibrated on", "校准数据"), calibrated),
            (Text("Weaknesses that its card names", "模型卡所列弱点"), "\n".join(each.weaknesses)),
        )
        made.append(Fields(rows))
    return tuple(made)


def operating(dossier: Dossier) -> Block:
    """Return the thresholds in use with the error rates that were measured at them."""
    if not dossier.operating:
        return Paragraph(missing("operating"))
    header = (
        Text("Comparison", "比对"),
        Text("Target FMR", "目标误匹配率"),
        Text("Threshold", "阈值"),
        Text("FMR measured", "实测误匹配率"),
        Text("Upper bound of the FMR", "误匹配率上限"),
        Text("FNMR measured", "实测误不匹配率"),
    )
    rows = tuple(
        (
            word(each.target),
            share(each.fmr_target),
            f"{each.threshold:.4f}",
            share(each.fmr),
            share(each.fmr_upper),
            share(each.fnmr),
        )
        for each in dossier.operating
    )
    return Grid(Text("Thresholds and error rates", "阈值与误差率"), header, rows)


def control_evidence(dossier: Dossier) -> Document:
    """Return, control by control, what is configured and by what that can be seen."""
    header = (Text("Control", "控制措施"), Text("As configured", "配置"), Text("How it can be seen", "核查方式"))
    rows = (*_encryption(dossier), *_audit(dossier), *_attack(dossier))
    configurations = tuple(
        (each.code, held("purpose.configuration", each.configuration, each.code), word(each.assessment))
        for each in dossier.purposes
    )
    digests: Block = Paragraph(missing("purposes"))
    if configurations:
        named = (Text("Purpose", "目的"), Text("SHA-256", "SHA-256"), Text("Impact assessment", "影响评估"))
        digests = Grid(Text("Configuration of each purpose", "各目的配置"), named, configurations)
    return Document(
        "control-evidence",
        Text("Control evidence sheet", "控制措施证据表"),
        heading(dossier),
        (
            Section(
                Text("Controls", "控制措施"),
                (Grid(Text("What is configured, and by what that can be seen", "配置与核查方式"), header, rows),),
            ),
            Section(Text("Digests of the configuration", "配置摘要"), (digests,)),
            Section(Text("Grade of protection", "网络安全等级保护"), (Paragraph(missing("hand.grade")),)),
        ),
    )


def retention_schedule(dossier: Dossier) -> Document:
    """Return the public schedule: what is kept for which purpose, how long, when that begins, how it ends."""
    configured = dossier.safeguards
    destroyed = Text("Key destroyed first, then the row", "先销毁密钥，再删除数据")
    deleted = Text("Deleted", "删除")
    rows: list[tuple[Cell, ...]] = [
        (
            Text(f"Templates: {each.title.en}", f"模板：{each.title.zh}"),
            held("purpose.retention_days", each.retention_days, each.code),
            Text("Enrolment; ends at once with withdrawal", "登记；撤回即终止"),
            destroyed,
        )
        for each in dossier.purposes
    ]
    rows += [
        (Text("Originals of ordinary acts", "一般行为的原始图像"), "0", Text("Never written", "从不写入"), NONE),
        (
            Text("Originals kept by permit", "经许可留存的原始图像"),
            Text("As the permit says", "依许可"),
            Text("The permit", "许可"),
            destroyed,
        ),
        (
            Text("Consents and records of acts", "同意与行为记录"),
            Text("At least 3 years; they name nobody once a person is erased", "至少 3 年；删除后不再指向任何人"),
            Text("The act", "行为发生"),
            Text("The link to the person is destroyed", "销毁与个人的关联"),
        ),
        (
            Text("Impact assessments", "影响评估"),
            Text("At least 3 years", "至少 3 年"),
            Text("Signature", "签署"),
            deleted,
        ),
        (Text("Requests", "个人请求"), str(configured.request_keep_days), Text("Closed", "办结"), deleted),
        (Text("Receipts", "回执"), str(configured.receipt_days), Text("The use or consent", "使用或同意"), deleted),
        (
            Text("Backups", "备份"),
            Text(f"{configured.backup_days} at most", f"最长 {configured.backup_days}"),
            Text("Made", "生成"),
            deleted,
        ),
    ]
    header = (Text("What", "种类"), Text("Days", "天数"), Text("Begins with", "起算"), Text("Ends by", "终止方式"))
    caption = Text("What is kept, and how long", "保存内容与期限")
    return Document(
        RETENTION,
        Text("Retention schedule", "保存期限表"),
        heading(dossier),
        (Section(Text("Schedule", "期限表"), (Grid(caption, header, tuple(rows)),)),),
    )


def public_places(dossier: Dossier) -> Document:
    """Return for each device in a public place, or an undeclared one, why, where, how far and under which sign."""
    found = [each for each in dossier.devices if each[1].public is not False]
    sections = tuple(_public(dossier, venue, place, device) for venue, place, device in found)
    nothing = Text("No device is declared in a public place.", "未申报公共场所设备。")
    by_hand = Items((missing("hand.order"), missing("hand.viewers")))
    return Document(
        "public-places",
        Text("Devices in public places", "公共场所设备档案"),
        heading(dossier),
        (
            *(sections or (Section(Text("Devices", "设备"), (Paragraph(nothing),)),)),
            *((Section(Text("What a person adds", "人工补充"), (by_hand,)),) if sections else ()),
        ),
    )


def _public(dossier: Dossier, venue: VenuePart, place: PlacePart, device: DevicePart) -> Section:
    of = device.id
    rows: tuple[tuple[Text, Cell], ...] = (
        (Text("Venue", "场所"), f"{venue.name} ({venue.id})"),
        (Text("Kind of venue", "场所类型"), word(venue.kind)),
        (Text("Business venue", "经营场所"), held("venue.business", venue.business, venue.id)),
        (Text("Address", "地址"), held("venue.address", venue.address, venue.id)),
        (Text("Administrative division", "行政区划"), held("venue.division", venue.division, venue.id)),
        (Text("Latitude", "纬度"), held("venue.latitude", venue.latitude, venue.id)),
        (Text("Longitude", "经度"), held("venue.longitude", venue.longitude, venue.id)),
        (Text("Place", "位置"), f"{place.name} ({place.id})"),
        (Text("Kind of place", "位置类型"), word(place.kind)),
        (Text("Public", "公共场所"), held("place.public", place.public, place.id)),
        (Text("Private space", "私密空间"), held("place.private", place.private, place.id)),
        (Text("Internal", "内部区域"), held("place.internal", place.internal, place.id)),
        (Text("Declared by", "声明人"), held("place.declared_by", place.declared_by, place.id)),
        (Text("Declared on", "声明日期"), held("place.declared_on", place.declared_on, place.id)),
        (
            Text("Why public security needs it", "维护公共安全的必要性"),
            held("device.security_necessity", device.security_necessity, of),
        ),
        (
            Text("That stands until", "必要性有效期至"),
            standing("device.security_necessity_expires_on", device.security_necessity_expires_on, dossier.today, of),
        ),
        (Text("Area captured (shares of the picture)", "采集区域（画面比例）"), held("device.area", _area(device), of)),
        (Text("Sign looked at on", "标识检查日期"), held("device.sign_checked_on", device.sign_checked_on, of)),
        (
            Text("SHA-256 of the sign's photograph", "标识照片 SHA-256"),
            held("device.sign_evidence", device.sign_evidence, of),
        ),
        (Text("Assessed on", "检测评估日期"), held("device.assessed_on", device.assessed_on, of)),
        (Text("Only way in", "唯一通行方式"), held("device.sole_entry", device.sole_entry, of)),
        (Text("Registered on", "登记日期"), held("device.registered_on", device.registered_on, of)),
        (Text("Suspended", "已停用"), yes(device.suspended)),
    )
    return Section(Text(f"Device: {device.name}", f"设备：{device.name}"), (Fields(rows),))


def _area(device: DevicePart) -> str | None:
    return None if not device.area else " ".join(f"({across:g}, {down:g})" for across, down in device.area)
