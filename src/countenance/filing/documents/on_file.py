"""What may not be on file: for each such part of a dossier its name, and what an operator does about it.

Two kinds: what the site file or the server would say and does not, and what no file here holds, because a person puts
it into the form themself. Every document shows both as missing; nothing stands in their place.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Final

from countenance.answer import Text
from countenance.filing.documents.tree import Cell, Missing
from countenance.filing.documents.words import day, yes
from countenance.vocabulary import NoticeItem

_SITE_EN: Final = "Write it into the site file ({key}) and apply it: countenance site apply FILE.yaml"
_SITE_ZH: Final = "请写入站点文件（{key}）并应用：countenance site apply FILE.yaml"


def _site(en: str, zh: str, key: str) -> tuple[Text, Text]:
    return Text(en, zh), Text(_SITE_EN.format(key=key), _SITE_ZH.format(key=key))


#: By key: what it is, and what to do.
ON_FILE: Final[Mapping[str, tuple[Text, Text]]] = MappingProxyType(
    {
        "handler.name": _site("Name of the operator", "处理者名称", "operator.name"),
        "handler.contact": _site("Contact of the operator", "处理者联系方式", "operator.contact"),
        "handler.credit_code": _site("Unified social credit code", "统一社会信用代码", "operator.credit_code"),
        "handler.officer": _site("Protection officer", "个人信息保护负责人", "operator.officer.name"),
        "handler.officer_contact": _site(
            "Contact of the protection officer", "个人信息保护负责人联系方式", "operator.officer.contact"
        ),
        "handler.minor_rules": _site(
            "Special rules for those under 14", "不满十四周岁未成年人专门规则", "operator.minor_rules"
        ),
        "purposes": _site("A purpose: one scenario at least", "处理目的（至少一个应用场景）", "purposes"),
        "purpose.necessity": _site("Statement of necessity", "必要性说明", "purposes.….necessity.statement"),
        "purpose.necessity_signed_by": _site(
            "Who signed the statement of necessity", "必要性说明签署人", "purposes.….necessity.signed_by"
        ),
        "purpose.necessity_expires_on": _site(
            "Until when the statement of necessity stands", "必要性说明有效期", "purposes.….necessity.expires_on"
        ),
        "purpose.alternatives_assessed": _site(
            "Which ways without a face were weighed", "非人脸方式的评估", "purposes.….alternatives_assessed"
        ),
        "purpose.assessment_signed_by": _site(
            "Who signed the impact assessment", "影响评估签署人", "purposes.….assessment.signed_by"
        ),
        "purpose.assessed_on": _site(
            "Day on which the impact assessment was signed", "影响评估签署日期", "purposes.….assessment.signed_on"
        ),
        "purpose.assessment_expires_on": _site(
            "Until when the impact assessment stands", "影响评估有效期", "purposes.….assessment.expires_on"
        ),
        "purpose.configuration": (
            Text("Digest of the configuration in use", "现行配置摘要"),
            Text(
                "Apply the site file again: countenance site apply FILE.yaml",
                "请重新应用站点文件：countenance site apply FILE.yaml",
            ),
        ),
        "purpose.major_interest": _site(
            "Whether major personal interests are at stake", "是否涉及重大个人利益", "purposes.….major_interest"
        ),
        "purpose.public_security": _site(
            "Whether the purpose is public security", "是否用于维护公共安全", "purposes.….public_security"
        ),
        "purpose.retention_days": _site(
            "Days for which templates are kept", "模板保存天数", "purposes.….retention_days"
        ),
        "purpose.steps_to_consent": _site("Steps to consent", "同意所需步骤", "purposes.….steps.consent"),
        "purpose.steps_to_withdraw": _site("Steps to withdraw", "撤回所需步骤", "purposes.….steps.withdraw"),
        "purpose.notice": _site("Notice to the subjects", "告知文本", "purposes.….notice"),
        "purpose.ways": _site("A way without a face", "非人脸的其他方式", "venues.….alternatives"),
        "purpose.report": (
            Text("Answers to the guided impact assessment", "影响评估引导问题的答复"),
            Text(
                "Answer and sign it: countenance filing assessment answer, then sign",
                "请答复并签署：countenance filing assessment answer，随后 sign",
            ),
        ),
        "report.signatures": (
            Text("Signature under the guided impact assessment", "影响评估签名"),
            Text("Have it signed: countenance filing assessment sign", "请签署：countenance filing assessment sign"),
        ),
        "report.valid_until": (
            Text("Until when the guided assessment stands", "影响评估报告有效期"),
            Text("It follows from the signature.", "签署后自动产生。"),
        ),
        "report.keep_until": (
            Text("Until when the guided assessment is kept", "影响评估报告保存至"),
            Text("It follows from the signature.", "签署后自动产生。"),
        ),
        "way.working": _site("Whether the other way works", "其他方式是否可用", "venues.….alternatives.….working"),
        "venues": _site("A venue", "场所", "venues"),
        "venue.business": _site("Whether it is a business venue", "是否为经营场所", "venues.….business"),
        "venue.address": _site("Address of the venue", "场所地址", "venues.….location.address"),
        "venue.division": _site(
            "Administrative division of the venue", "场所所在行政区划", "venues.….location.division"
        ),
        "venue.latitude": _site("Latitude of the venue", "场所纬度", "venues.….location.latitude"),
        "venue.longitude": _site("Longitude of the venue", "场所经度", "venues.….location.longitude"),
        "place.private": _site("Whether the place is private space", "是否为私密空间", "venues.….places.….private"),
        "place.public": _site("Whether the place is public", "是否为公共场所", "venues.….places.….public"),
        "place.internal": _site("Whether the place is internal", "是否为内部区域", "venues.….places.….internal"),
        "place.declared_by": _site("Who vouches for the place", "位置声明人", "venues.….places.….declared.by"),
        "place.declared_on": _site("Since when that is declared", "位置声明日期", "venues.….places.….declared.on"),
        "device.sign_checked_on": _site(
            "Day on which the sign was looked at", "提示标识检查日期", "venues.….devices.….sign.checked_on"
        ),
        "device.sign_evidence": _site(
            "Digest of the photograph of the sign", "提示标识照片摘要", "venues.….devices.….sign.evidence_sha256"
        ),
        "device.security_necessity": _site(
            "Why public security needs the device",
            "设备为维护公共安全所必需的说明",
            "venues.….devices.….security_necessity",
        ),
        "device.security_necessity_expires_on": _site(
            "Until when that necessity stands",
            "公共安全必要性说明有效期",
            "venues.….devices.….security_necessity.expires_on",
        ),
        "device.area": _site("Area that the device may capture", "采集区域", "venues.….devices.….area"),
        "device.assessed_on": _site(
            "Day of the device's last yearly assessment", "设备最近年度检测评估日期", "venues.….devices.….assessed_on"
        ),
        "device.sole_entry": _site(
            "Whether the device is the only way in", "是否为唯一通行方式", "venues.….devices.….sole_entry"
        ),
        "device.registered_on": (
            Text("Registration of the device where it stands", "设备登记"),
            Text(
                "Register it: countenance register DEVICE --purpose PURPOSE",
                "请登记：countenance register DEVICE --purpose PURPOSE",
            ),
        ),
        "models": (
            Text("Model cards of the networks at work", "所用模型的模型卡"),
            Text(
                "Name them in the settings: COUNTENANCE_DETECTOR_CARD, _EXTRACTOR_CARD",
                "请在设置中指定：COUNTENANCE_DETECTOR_CARD、_EXTRACTOR_CARD",
            ),
        ),
        "model.calibrated": (
            Text("Calibration of the model: data, day, subjects", "模型校准：数据集、日期、人数"),
            Text("Calibrate: countenance evaluate --calibrate", "请校准：countenance evaluate --calibrate"),
        ),
        "operating": (
            Text("Threshold and the error rates measured there", "阈值及对应的误差率"),
            Text("Calibrate: countenance evaluate --calibrate", "请校准：countenance evaluate --calibrate"),
        ),
        "log": (
            Text("Signed transparency log", "已签署的透明日志"),
            Text(
                "It begins with the first record served; look at: countenance log status",
                "首条记录后自动开始；请查看：countenance log status",
            ),
        ),
        "disposal.left": (
            Text("Lawful disposal: something is still stored", "依法处置：仍有存储"),
            Text(
                "Have it withdrawn or erased (countenance erase), deactivate the purposes, then make this again.",
                "请撤回或删除（countenance erase）并停用各目的，然后重新生成本文件。",
            ),
        ),
        "disposal.records": (
            Text("Records of destruction", "销毁记录"),
            Text("Nothing was destroyed on record; erase what is stored first.", "尚无销毁记录；请先删除所存信息。"),
        ),
        "filed": (
            Text("What was filed before, and its filing number", "此前的备案及备案号"),
            Text(
                "File first, or write the number into the site file (operator.filings)",
                "请先行备案，或将备案号写入站点文件（operator.filings）",
            ),
        ),
        "filed.number": (
            Text("Filing number that the authority gave", "主管部门给予的备案号"),
            Text("Write it into the site file (operator.filings)", "请写入站点文件（operator.filings）"),
        ),
    }
)

#: What no file here holds.
BY_HAND: Final[Mapping[str, tuple[Text, Text]]] = MappingProxyType(
    {
        "hand.address": (
            Text("Registered address, as on the business licence", "注册地址（与营业执照一致）"),
            Text("Copy it from the licence, letter by letter.", "请按营业执照逐字填写。"),
        ),
        "hand.legal_representative": (
            Text("Legal representative or person responsible", "法定代表人或主要负责人"),
            Text(
                "Enter name and identity document in the form; attach a scan that has not expired.",
                "请在表中填写姓名及证件，并附未过期证件的扫描件。",
            ),
        ),
        "hand.agent": (
            Text("Agent who files", "经办人"),
            Text(
                "Enter name and identity document in the form; attach the scan.", "请在表中填写姓名及证件，并附扫描件。"
            ),
        ),
        "hand.third_parties": (
            Text("Entrusted processors and recipients, or that there are none", "受托处理者与接收方，或声明没有"),
            Text(
                "List each with purpose, period, data and duties, or write that there are none.",
                "请逐一列明目的、期限、信息种类与义务，或写明没有。",
            ),
        ),
        "hand.procedures": (
            Text("Rules and operating procedures of your own house", "本单位的处理规则与操作规程"),
            Text(
                "Attach them; what this server enforces is listed in this document.",
                "请附上；本系统强制执行的部分已在本文件列明。",
            ),
        ),
        "hand.grade": (
            Text("Grade of protection: certificate and date", "网络安全等级保护备案证明及日期"),
            Text("Attach the certificate, or say why none is needed.", "请附证明，或说明无需办理的原因。"),
        ),
        "hand.viewers": (
            Text("Who may view what the devices in public places see", "公共场所设备画面的查看人员"),
            Text(
                "Name the posts, not the persons, and the rule under which they view.",
                "请列明岗位（不列姓名）及查看规则。",
            ),
        ),
        "hand.order": (
            Text("Order or plan for public security, with its number", "公共安全相关文件或方案及文号"),
            Text("Enter issuer and number, and attach it.", "请填写发文机关与文号并附件。"),
        ),
        "hand.disposal": (
            Text("What was done with copies outside this server", "本系统之外副本的处置情况"),
            Text(
                "Say for devices, exports and other systems how they were destroyed, and when.",
                "请说明设备、导出及其他系统中的副本如何、何时销毁。",
            ),
        ),
        "hand.licence_scan": (
            Text("Certificate of the unified social credit code, scanned", "统一社会信用代码证件扫描件"),
            Text(
                "Attach the original or a sealed copy; it has to say the same as form 1.",
                "请附原件或加盖公章复印件的扫描件，内容须与表一一致。",
            ),
        ),
        "hand.representative_scan": (
            Text("Identity document of the legal representative, scanned", "法定代表人或负责人身份证件扫描件"),
            Text("Attach one that has not expired.", "请附未过期的证件。"),
        ),
        "hand.agent_scan": (
            Text("Identity document of the agent, scanned", "经办人身份证件扫描件"),
            Text("Attach one that has not expired.", "请附未过期的证件。"),
        ),
        "hand.power_of_attorney": (
            Text("Power of attorney for the agent, sealed and scanned", "经办人授权委托书（盖章扫描件）"),
            Text("Attach it.", "请附上。"),
        ),
        "hand.commitment": (
            Text("Letter of commitment, sealed and scanned", "承诺书（盖章扫描件）"),
            Text("Take the authority's form, sign, seal and attach it.", "请使用主管部门的格式，签字盖章后附上。"),
        ),
        "hand.other": (
            Text("Other material as needed", "其他材料"),
            Text(
                "Attach what the authority asks for beyond this, or nothing.",
                "如主管部门另有要求，请附上；没有则无需附。",
            ),
        ),
        "hand.group_total": (
            Text(
                "Bounds of the whole group, merged without sharing persons", "集团总数的上下限（不共享个人信息的合并）"
            ),
            Text(
                "Enter them as the group's officer or the authority merged them.",
                "请填写集团负责人或主管部门合并得出的数字。",
            ),
        ),
        "hand.signature": (
            Text("Signature and seal", "签字与盖章"),
            Text("Sign and seal the printed document.", "请在打印件上签字盖章。"),
        ),
    }
)


def missing(key: str, of: str = "") -> Missing:
    """Return the mark of what is not on file; `of` says of which purpose, venue or device."""
    by_hand = key in BY_HAND
    what, remedy = (BY_HAND if by_hand else ON_FILE)[key]
    if of:
        what = Text(f"{what.en} ({of})", f"{what.zh}（{of}）")
    return Missing(f"{key}:{of}" if of else key, what, remedy, by_hand)


def held(key: str, value: object, of: str = "") -> Cell:
    """Return what is on file in words, or the mark that it is not."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return missing(key, of)
    if isinstance(value, bool):
        return yes(value)
    if isinstance(value, date):
        return day(value)
    return value if isinstance(value, Text | str) else str(value)


def standing(key: str, value: date | None, today: date, of: str = "") -> Cell:
    """Return the last day on which something stands; after it, what was on file is as good as missing."""
    if value is not None and value < today:
        mark = missing(key, of)
        what = Text(f"{mark.what.en}: expired on {day(value)}", f"{mark.what.zh}：已于 {day(value)} 期满")
        return Missing(mark.key, what, mark.remedy)
    return held(key, value, of)


def every(key: str, values: Sequence[Cell], of: str = "") -> tuple[Cell, ...]:
    """Return several words, or the one mark that there are none."""
    return tuple(values) or (missing(key, of),)


def notice_item(item: NoticeItem, en: str | None, zh: str | None, of: str) -> Cell:
    """Return what a notice says of one item in both languages, or the mark that it lacks one."""
    if en and zh:
        return Text(en, zh)
    name = item.value
    what, remedy = _site(f"Notice, item “{name}”", f"告知文本中的“{name}”", f"purposes.….notice.….{name}")
    return Missing(f"notice.{name}:{of}", Text(f"{what.en} ({of})", f"{what.zh}（{of}）"), remedy)
