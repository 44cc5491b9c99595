"""The closed lists, days and answers in words that people read."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from countenance.answer import Text
from countenance.vocabulary import (
    AssessmentState,
    AttackChecking,
    Comparing,
    FilingCause,
    FilingKind,
    FilingState,
    KeysFrom,
    Lift,
    NoticeItem,
    PlaceKind,
    Role,
    Target,
    VenueKind,
)

YES: Final = Text("Yes", "是")
NO: Final = Text("No", "否")
NONE: Final = Text("None", "无")
NOT_NEEDED: Final = Text("Not needed here", "此处不适用")

_LISTS: Final[tuple[Mapping[StrEnum, Text], ...]] = (
    {
        FilingKind.FIRST: Text("First filing", "首次备案"),
        FilingKind.CHANGE: Text("Filing of a substantive change", "实质性变更备案"),
        FilingKind.DEREGISTRATION: Text("Deregistration", "备案注销"),
    },
    {
        FilingState.NOT_DUE: Text("Not due", "未到期"),
        FilingState.DUE: Text("Due, the days are running", "已产生，期限内"),
        FilingState.OVERDUE: Text("Overdue", "已逾期"),
        FilingState.FILED: Text("Filed", "已备案"),
    },
    {
        FilingCause.PERSONS: Text("The number of persons stored", "存储人数"),
        FilingCause.PUBLIC_PLACE: Text("Use in a public place", "在公共场所使用"),
    },
    {
        AssessmentState.CURRENT: Text("Current", "现行有效"),
        AssessmentState.STALE: Text(
            "Stale: expired, or the configuration has changed since", "已过时：期满或配置已变更"
        ),
        AssessmentState.NONE: Text("None was signed", "尚未签署"),
    },
    {
        Comparing.PLAIN: Text(
            "Templates are opened in the server's memory for the comparison and nowhere else",
            "模板仅在比对时于服务器内存中解密",
        ),
        Comparing.ENCRYPTED: Text(
            "Compared under homomorphic encryption; the server cannot open a template",
            "在同态加密下比对，服务器无法解密模板",
        ),
    },
    {
        KeysFrom.FILE: Text("Files of mode 0600 beside the database", "数据库旁权限为 0600 的密钥文件"),
        KeysFrom.MOUNTED: Text("A folder that another system mounts", "由其他系统挂载的密钥目录"),
        KeysFrom.HARDWARE: Text("Wrapped by a hardware security module (PKCS#11)", "由硬件安全模块封装（PKCS#11）"),
    },
    {
        AttackChecking.OFF: Text("Off", "关闭"),
        AttackChecking.WHEN_OFFERED: Text("Made where the device offers it", "设备支持时进行"),
        AttackChecking.REQUIRED: Text("Made with every act", "每次均进行"),
    },
    {
        Target.VERIFY: Text("Verification (one to one)", "验证（一对一）"),
        Target.IDENTIFY: Text("Identification (one to many)", "辨识（一对多）"),
    },
    {
        Lift.CONSENT: Text("Consent", "同意"),
        Lift.GUARDIAN: Text("The guardian's consent", "监护人同意"),
        Lift.VENUE: Text("Voluntary use in business venues", "经营场所的自愿使用"),
        Lift.ORIGINAL: Text("Not keeping originals", "不保存原始图像"),
        Lift.STORAGE: Text("Storage in the device", "存储于设备"),
        Lift.DISCLOSURE: Text("Not disclosing", "不对外提供"),
    },
    {
        NoticeItem.WHO: Text("Who processes", "处理者"),
        NoticeItem.CONTACT: Text("Contact", "联系方式"),
        NoticeItem.PURPOSE: Text("Purpose", "处理目的"),
        NoticeItem.METHOD: Text("Method", "处理方式"),
        NoticeItem.DATA: Text("Data", "处理的信息"),
        NoticeItem.RETENTION: Text("How long it is kept", "保存期限"),
        NoticeItem.STORAGE: Text("Where it is stored", "存储位置"),
        NoticeItem.NECESSITY: Text("Necessity", "必要性"),
        NoticeItem.EFFECT: Text("Effect on the person's rights", "对个人权益的影响"),
        NoticeItem.ALTERNATIVES: Text("Other ways", "其他方式"),
        NoticeItem.RIGHTS: Text("Rights and how they are exercised", "权利及行使方式"),
        NoticeItem.WITHDRAWAL: Text("How consent is withdrawn", "撤回同意的方式"),
        NoticeItem.COMPLAINTS: Text("Where to complain", "投诉渠道"),
    },
    {
        Role.DEVICE: Text(
            "A device: captures, serves the notice, takes consents, enrols, verifies and identifies where it stands",
            "设备：在其所在位置采集、告知、取得同意、登记、验证与辨识",
        ),
        Role.OFFICER: Text(
            "An officer: reads records and figures, answers requests, activates, registers, corrects, erases; sees no "
            "picture and no template",
            "保护负责人：查阅记录与统计、答复请求、启用、登记设备、更正、删除；看不到图像与模板",
        ),
        Role.SUBJECT: Text(
            "A subject: sees what is held and every use of it, withdraws, asks",
            "个人：查看所存信息及每次使用、撤回、提出请求",
        ),
        Role.REGULATOR: Text(
            "A regulator: reads records, figures and the log, changes nothing",
            "监管机构：查阅记录、统计与日志，不作更改",
        ),
    },
    {
        VenueKind.HOTEL: Text("Hotel", "宾馆"),
        VenueKind.BANK: Text("Bank", "银行"),
        VenueKind.STATION: Text("Station", "车站"),
        VenueKind.AIRPORT: Text("Airport", "机场"),
        VenueKind.SPORTS_VENUE: Text("Sports venue", "体育场馆"),
        VenueKind.EXHIBITION_HALL: Text("Exhibition hall", "展览馆"),
        VenueKind.MUSEUM: Text("Museum", "博物馆"),
        VenueKind.GALLERY: Text("Art gallery", "美术馆"),
        VenueKind.LIBRARY: Text("Library", "图书馆"),
        VenueKind.SHOP: Text("Shop", "商店"),
        VenueKind.RESTAURANT: Text("Restaurant", "餐馆"),
        VenueKind.RESIDENTIAL: Text("Residential compound", "住宅小区"),
        VenueKind.OFFICE: Text("Office", "办公场所"),
        VenueKind.SCHOOL: Text("School", "学校"),
        VenueKind.HOSPITAL: Text("Hospital", "医院"),
        VenueKind.STREET: Text("Street", "街道"),
        VenueKind.PARK: Text("Park", "公园"),
        VenueKind.OTHER: Text("Other venue", "其他场所"),
    },
    {
        PlaceKind.LOBBY: Text("Lobby", "大堂"),
        PlaceKind.COUNTER: Text("Counter", "柜台"),
        PlaceKind.ENTRANCE: Text("Entrance", "入口"),
        PlaceKind.CORRIDOR: Text("Corridor", "走廊"),
        PlaceKind.PLATFORM: Text("Platform", "站台"),
        PlaceKind.HALL: Text("Hall", "大厅"),
        PlaceKind.GATE: Text("Gate", "门禁"),
        PlaceKind.HOTEL_ROOM: Text("Hotel room", "客房"),
        PlaceKind.PUBLIC_BATH: Text("Public bath", "公共浴室"),
        PlaceKind.BATHROOM: Text("Bathroom", "浴室"),
        PlaceKind.TOILET: Text("Toilet", "卫生间"),
        PlaceKind.CHANGING_ROOM: Text("Changing room", "更衣室"),
        PlaceKind.FITTING_ROOM: Text("Fitting room", "试衣间"),
        PlaceKind.OTHER: Text("Other place", "其他位置"),
    },
)
#: Each value of each closed list; two lists may share a value, so the list itself is part of the key.
_WORDS: Final = MappingProxyType({(type(each), each): text for said in _LISTS for each, text in said.items()})


def word(value: StrEnum) -> Text:
    """Return the words for a value of a closed list."""
    return _WORDS[type(value), value]


def yes(value: bool) -> Text:  # noqa: FBT001 — the answer to be put into a word
    """Return yes or no."""
    return YES if value else NO


def day(value: date) -> str:
    """Return a day as both languages write it here."""
    return value.isoformat()


def instant(value: datetime) -> str:
    """Return an instant to the second, with its zone."""
    return value.isoformat(timespec="seconds")


def joined(texts: Iterable[Text]) -> Text:
    """Return several words as one, as each language lists things."""
    every = tuple(texts)
    return Text("; ".join(each.en for each in every), "；".join(each.zh for each in every))


def share(value: float) -> str:
    """Return a rate as a share that both languages read alike."""
    return f"{value:.3g}"


_DAYS: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "mon": Text("Monday", "周一"),
        "tue": Text("Tuesday", "周二"),
        "wed": Text("Wednesday", "周三"),
        "thu": Text("Thursday", "周四"),
        "fri": Text("Friday", "周五"),
        "sat": Text("Saturday", "周六"),
        "sun": Text("Sunday", "周日"),
    }
)


def hours(value: Mapping[str, Any] | None) -> Text:
    """Return the hours of an alternative, by weekday; without any it is always open."""
    if value is None:
        return Text("At all hours", "全天")
    spans = [(name, ", ".join(map(str, value[key]))) for key, name in _DAYS.items() if value.get(key)]
    return joined(Text(f"{name.en} {span}", f"{name.zh} {span}") for name, span in spans) if spans else NONE
