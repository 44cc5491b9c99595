"""What the configuration answers to a guided question by itself; where a person has answered, the person's words count.

A question that only a person can answer has no row here, and stays missing until it is answered.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from countenance.answer import Text
from countenance.filing.documents.dossier import Dossier
from countenance.filing.documents.scenario import PurposePart
from countenance.filing.documents.words import day, joined, share, word
from countenance.vocabulary import Comparing, Language, NoticeItem

Prefilled = Callable[[Dossier, PurposePart], Text | str | None]


def _lines(texts: Iterable[Text]) -> Text:
    """Return several sentences, one below the other."""
    every = tuple(texts)
    return Text("\n".join(each.en for each in every), "\n".join(each.zh for each in every))


def _told(item: NoticeItem) -> Prefilled:
    """Return what the newest notice says of an item, in both languages or not at all."""

    def said(dossier: Dossier, purpose: PurposePart) -> Text | None:
        del dossier
        if purpose.notice is None:
            return None
        en, zh = (purpose.notice.items.get(each, {}).get(item) for each in (Language.EN, Language.ZH))
        return Text(en, zh) if en and zh else None

    return said


def _processing(dossier: Dossier, purpose: PurposePart) -> Text:
    del dossier
    return Text(f"{purpose.title.en} ({purpose.code})", f"{purpose.title.zh}（{purpose.code}）")


def _responsible(dossier: Dossier, purpose: PurposePart) -> Text | None:
    del purpose
    handler = dossier.handler
    if not handler.name or not handler.officer:
        return None
    return Text(
        f"{handler.name}; protection officer: {handler.officer}",
        f"{handler.name}；个人信息保护负责人：{handler.officer}",
    )


def _basis(dossier: Dossier, purpose: PurposePart) -> Text | None:
    del dossier
    if purpose.basis is None:
        return Text(
            "Consent: explicit, separate, given after the notice, for each purpose by itself.",
            "个人同意：告知后就每一目的单独、明确作出。",
        )
    lifted = joined(word(each) for each in purpose.basis.lifts)
    return Text(
        f"{purpose.basis.citation}, which dispenses with: {lifted.en}",
        f"{purpose.basis.citation}，其免除：{lifted.zh}",
    )


def _method(dossier: Dossier, purpose: PurposePart) -> Text | None:
    told = _told(NoticeItem.METHOD)(dossier, purpose)
    if told is None or isinstance(told, str):
        return None
    return _lines((told, word(purpose.comparison)))


def _errors(dossier: Dossier, purpose: PurposePart) -> Text | None:
    """Return the error rates at the thresholds in use, and what the cards say they are bad at."""
    del purpose
    if not dossier.operating:
        return None
    rates = [
        Text(
            f"{word(each.target).en}: FMR {share(each.fmr)} (at most {share(each.fmr_upper)}), FNMR {share(each.fnmr)}",
            f"{word(each.target).zh}：FMR {share(each.fmr)}（上限 {share(each.fmr_upper)}），FNMR {share(each.fnmr)}",
        )
        for each in dossier.operating
    ]
    weak = [Text(each, each) for model in dossier.models for each in model.weaknesses]
    return _lines((*rates, *weak))


def _retention(dossier: Dossier, purpose: PurposePart) -> Text | None:
    if purpose.retention_days is None:
        return None
    days, backups = purpose.retention_days, dossier.safeguards.backup_days
    return Text(
        f"Templates {days} days, then they are destroyed by themselves; backups {backups} days at most.",
        f"模板保存 {days} 天，期满自动销毁；备份最长保存 {backups} 天。",
    )


def _consent(dossier: Dossier, purpose: PurposePart) -> Text | None:
    del dossier
    if purpose.steps_to_consent is None or purpose.steps_to_withdraw is None:
        return None
    return Text(
        f"After the notice, in {purpose.steps_to_consent} steps, nothing chosen beforehand; withdrawing takes "
        f"{purpose.steps_to_withdraw}.",
        f"告知后经 {purpose.steps_to_consent} 步作出，不预先勾选；撤回需 {purpose.steps_to_withdraw} 步。",
    )


def _storage(dossier: Dossier, purpose: PurposePart) -> Text | None:
    told = _told(NoticeItem.STORAGE)(dossier, purpose)
    if told is None or isinstance(told, str):
        return None
    key = word(dossier.safeguards.keys_from)
    return _lines((told, Text(f"The operator's key: {key.en}", f"处理者密钥：{key.zh}")))


def _notice(dossier: Dossier, purpose: PurposePart) -> Text | None:
    del dossier
    if purpose.notice is None:
        return None
    version, on = purpose.notice.version, day(purpose.notice.published_at.date())
    return Text(
        f"At each device or desk before anything is asked, in Chinese and English, in large type and read aloud; "
        f"version {version} of {on}.",
        f"在每台设备或柜台、任何询问之前，以中英文告知，可用大字或朗读；第 {version} 版，{on}。",
    )


def _minors(dossier: Dossier, purpose: PurposePart) -> str | None:
    del purpose
    return dossier.handler.minor_rules


def _measures(dossier: Dossier, purpose: PurposePart) -> Text:
    """Return what the server does against unlawful access, as it is configured."""
    encrypted = purpose.comparison is Comparing.ENCRYPTED
    return _lines(
        (
            Text(
                "Templates sealed with AES-256-GCM under a key for each person and purpose",
                "模板以 AES-256-GCM 按个人与目的分别加密",
            ),
            *((word(Comparing.ENCRYPTED),) if encrypted else ()),
            dossier.safeguards.tls,
            Text(
                "Every act on record, in a signed log that strangers can check",
                "每次行为均有记录，并载入可供第三方核验的签名日志",
            ),
        )
    )


PREFILLED: Final[Mapping[str, Prefilled]] = MappingProxyType(
    {
        "processing": _processing,
        "responsible": _responsible,
        "data": _told(NoticeItem.DATA),
        "method": _method,
        "storage": _storage,
        "necessity": lambda _, purpose: purpose.necessity,
        "basis": _basis,
        "errors": _errors,
        "retention": _retention,
        "notice": _notice,
        "consent": _consent,
        "rights": _told(NoticeItem.RIGHTS),
        "withdrawal": _told(NoticeItem.WITHDRAWAL),
        "alternatives": _told(NoticeItem.ALTERNATIVES),
        "minors": _minors,
        "effect": _told(NoticeItem.EFFECT),
        "access.measures": _measures,
    }
)
