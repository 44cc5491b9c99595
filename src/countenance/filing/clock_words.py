"""What each clock is about and what to do next, in both languages; nobody is named."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from countenance.answer import Text
from countenance.vocabulary import RequestKind


class ClockKind(StrEnum):
    """What a clock runs for."""

    FILING = "filing"
    FILING_CHANGE = "filing_change"
    DEREGISTRATION = "deregistration"
    OFFICER_REPORT = "officer_report"
    AUDIT = "audit"
    ASSESSMENT = "assessment"
    PURPOSE_REVIEW = "purpose_review"
    NECESSITY = "necessity"
    STATUTORY_BASIS = "statutory_basis"
    SECURITY_NECESSITY = "security_necessity"
    SIGN = "sign"
    DEVICE_ASSESSMENT = "device_assessment"
    REQUEST = "request"
    AUTHORISATION = "authorisation"
    RETENTION = "retention"
    ORIGINALS = "originals"
    BACKUPS = "backups"
    RECORDS_KEPT = "records_kept"
    ASSESSMENT_KEPT = "assessment_kept"


#: Nobody has to do anything when these end: the server does it, or something may go that had to be kept.
BY_ITSELF: Final = frozenset(
    {
        ClockKind.RETENTION,
        ClockKind.ORIGINALS,
        ClockKind.BACKUPS,
        ClockKind.RECORDS_KEPT,
        ClockKind.ASSESSMENT_KEPT,
    }
)
#: The server cannot see that these were done; a person says so.
SAID: Final = frozenset({ClockKind.OFFICER_REPORT, ClockKind.AUDIT, ClockKind.PURPOSE_REVIEW})
#: What these are about is known by an identifier, which is for the console and no message.
UNNAMED: Final = frozenset({ClockKind.REQUEST, ClockKind.AUTHORISATION})


@dataclass(frozen=True, slots=True)
class Words:
    """What a clock is about, what to do by its last day, and what after it; {about} and {detail} are filled in."""

    what: Text
    then: Text
    late: Text | None = None

    def said(self, about: str, detail: Text, *, over: bool) -> tuple[Text, Text]:
        """Return what the clock is about, and what to do next."""
        then = self.late if over and self.late is not None else self.then
        return _filled(self.what, about, detail), _filled(then, about, detail)


def _filled(text: Text, about: str, detail: Text) -> Text:
    return Text(text.en.format(about=about, detail=detail.en), text.zh.format(about=about, detail=detail.zh))


_FILE = Text(
    "File by the last day, best five working days earlier: countenance filing send.",
    "请在截止日前备案，宜提前五个工作日：countenance filing send。",
)
_OVERDUE = Text(
    "File at once; under this pack nobody new is enrolled until then.",
    "请立即备案；在此之前，依该规则包不得新增存储。",
)
_SITE = Text(
    "Look again, sign, and put the new date into the site file.",
    "请重新审查并签字，将新日期写入站点文件。",
)
_SAY = Text(
    "Do it, then say so: countenance filing done {kind}.",
    "完成后请登记：countenance filing done {kind}。",
)
_KEEP = Text("Nothing has to be done; it is kept until then.", "无需操作；在此之前予以保存。")


def _say(kind: ClockKind, about: str = "") -> Text:
    named = f"{kind.value}{about}"
    return Text(_SAY.en.replace("{kind}", named), _SAY.zh.replace("{kind}", named))


WORDS: Final[Mapping[ClockKind, Words]] = {
    ClockKind.FILING: Words(Text("The filing under {about}", "依 {about} 备案"), _FILE, _OVERDUE),
    ClockKind.FILING_CHANGE: Words(Text("The filing of changes under {about}", "依 {about} 备案变更"), _FILE, _OVERDUE),
    ClockKind.DEREGISTRATION: Words(
        Text("The deregistration under {about}", "依 {about} 注销备案"),
        Text(
            "Destroy what is stored, and deregister with the proof: countenance filing send.",
            "请销毁已存储的数据，并凭销毁证明注销：countenance filing send。",
        ),
    ),
    ClockKind.OFFICER_REPORT: Words(
        Text(
            "The report of the protection officer, as 1,000,000 persons are reached", "达到一百万人，报送保护负责人信息"
        ),
        _say(ClockKind.OFFICER_REPORT),
    ),
    ClockKind.AUDIT: Words(Text("The compliance audit", "合规审计"), _say(ClockKind.AUDIT)),
    ClockKind.ASSESSMENT: Words(
        Text("The impact assessment of the purpose {about}", "处理目的 {about} 的影响评估"),
        _SITE,
        Text(
            "Assess again and sign; until then it counts as stale.",
            "请重新评估并签字；在此之前视为已过时。",
        ),
    ),
    ClockKind.PURPOSE_REVIEW: Words(
        Text(
            "The yearly review of the purpose {about}, its necessity and its retention",
            "处理目的 {about}、其必要性与保存期限的年度审查",
        ),
        _say(ClockKind.PURPOSE_REVIEW, " --about {about}"),
    ),
    ClockKind.NECESSITY: Words(
        Text("The statement why the purpose {about} needs faces", "处理目的 {about} 的必要性说明"), _SITE
    ),
    ClockKind.STATUTORY_BASIS: Words(
        Text("The statutory basis of the purpose {about}", "处理目的 {about} 的法定依据"), _SITE
    ),
    ClockKind.SECURITY_NECESSITY: Words(
        Text("The statement why public security needs the device {about}", "设备 {about} 的公共安全必要性说明"), _SITE
    ),
    ClockKind.SIGN: Words(
        Text("The look at the sign beside the device {about}", "检查设备 {about} 旁的提示标识"),
        Text(
            "Look at the sign, photograph it, and put the day and the digest into the site file.",
            "请检查并拍摄标识，将日期与摘要写入站点文件。",
        ),
    ),
    ClockKind.DEVICE_ASSESSMENT: Words(
        Text("The yearly security assessment of the device {about}", "设备 {about} 的年度安全评估"),
        Text(
            "Have the device tested and assessed, and put the day into the site file.",
            "请检测评估该设备，并将日期写入站点文件。",
        ),
        Text(
            "Have the device tested and assessed at once; where a pack demands it, nobody is enrolled there before.",
            "请立即检测评估该设备；规则包有要求的，在此之前不得在该设备新增存储。",
        ),
    ),
    ClockKind.REQUEST: Words(
        Text("The answer to a person's request: {detail}", "答复个人请求：{detail}"),
        Text("Answer it in the console, under requests.", "请在管理台“请求”中答复。"),
    ),
    ClockKind.AUTHORISATION: Words(
        Text("An authorisation for the purpose {detail}", "处理目的 {detail} 的授权"),
        Text(
            "It ends by itself; have a new one approved by two people where it is needed longer.",
            "到期自动失效；仍有需要的，请由两人批准新的授权。",
        ),
    ),
    ClockKind.RETENTION: Words(
        Text("The oldest template of the purpose {about}", "处理目的 {about} 最早的模板"),
        Text("The server destroys it by itself on the day after.", "服务器将于次日自动销毁。"),
    ),
    ClockKind.ORIGINALS: Words(
        Text("The original of the purpose {about} that goes first", "处理目的 {about} 最先到期的原始图像"),
        Text("The server destroys it by itself.", "服务器将自动销毁。"),
    ),
    ClockKind.BACKUPS: Words(
        Text("The backups made before the oldest erasure", "最早一次删除之前的备份"),
        Text("Have no backup left by then that was made before {detail}.", "届时不得留有 {detail} 之前的备份。"),
    ),
    ClockKind.RECORDS_KEPT: Words(Text("The oldest record of processing", "最早的处理记录"), _KEEP),
    ClockKind.ASSESSMENT_KEPT: Words(
        Text("The report of the impact assessment of {about}", "处理目的 {about} 的影响评估报告"), _KEEP
    ),
}

#: What subjects ask for, in words.
REQUESTS: Final[Mapping[RequestKind, Text]] = {
    RequestKind.ACCESS: Text("a copy of their data", "查阅、复制"),
    RequestKind.CORRECT: Text("a correction", "更正"),
    RequestKind.COMPLAIN: Text("a complaint", "投诉"),
    RequestKind.HUMAN_REVIEW: Text("a decision by a person", "人工审查"),
    RequestKind.ERASE: Text("erasure", "删除"),
}
