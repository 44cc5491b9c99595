"""The lint of notices: what keeps a notice from being published, item by item, and what to write instead."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from countenance.errors import MalformedError
from countenance.sites import phrases
from countenance.sites.declaration import NoticeItems, Purpose, Site
from countenance.vocabulary import Language, Lift, NoticeItem, Variant

#: What can be read at a desk: characters of one item.
CHARS_MAX: Final = {Language.EN: 400, Language.ZH: 160}
#: Plain language: words (in Chinese, characters) of a sentence, on average within an item and at most.
SENTENCE_MEAN_MAX: Final = {Language.EN: 14, Language.ZH: 24}
SENTENCE_MAX: Final = {Language.EN: 22, Language.ZH: 36}
#: Fewer letters, or words, say nothing; a name may be short.
_LETTERS_MIN: Final = {Language.EN: 10, Language.ZH: 4}
_WORDS_MIN, _NAME_MIN, _HAN_MIN = 3, 2, 4
_NAMES: Final = frozenset({NoticeItem.WHO, NoticeItem.CONTACT})
_HAN: Final = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_WORD: Final = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_SENTENCE: Final = re.compile(r"(?<=[.!?;])\s+|[。！？；]")

#: How remarks and messages name an item.
NAMES: Final = {
    NoticeItem.WHO: ("who processes", "处理者"),
    NoticeItem.CONTACT: ("contact", "联系方式"),
    NoticeItem.PURPOSE: ("purpose", "处理目的"),
    NoticeItem.METHOD: ("method", "处理方式"),
    NoticeItem.DATA: ("kinds of data", "信息种类"),
    NoticeItem.RETENTION: ("retention", "保存期限"),
    NoticeItem.STORAGE: ("where it is stored", "存储位置"),
    NoticeItem.NECESSITY: ("necessity", "必要性"),
    NoticeItem.EFFECT: ("effect on the person's rights", "对个人权益的影响"),
    NoticeItem.ALTERNATIVES: ("other ways", "其他方式"),
    NoticeItem.RIGHTS: ("rights", "个人权利"),
    NoticeItem.WITHDRAWAL: ("withdrawal", "撤回方式"),
    NoticeItem.COMPLAINTS: ("complaints", "投诉渠道"),
}


@dataclass(frozen=True, slots=True)
class Remark:
    """What is wrong with one item of a notice in one language, and what to write."""

    purpose: str
    item: NoticeItem
    language: Language
    variant: Variant
    en: str
    zh: str

    @property
    def place(self) -> str:
        """Return where it stands in the site file."""
        plain = ".plain" if self.variant is Variant.PLAIN_LANGUAGE else ""
        return f"purposes.{self.purpose}.notice.{self.language}{plain}.{self.item}"

    def as_json(self) -> dict[str, str]:
        """Return the remark as a JSON object."""
        return {"at": self.place, "item": self.item, "language": self.language, "en": self.en, "zh": self.zh}


@dataclass(frozen=True, slots=True)
class _Rule:
    items: frozenset[NoticeItem]
    wrong: Callable[[str, Language], bool]
    en: str
    zh: str


def _hidden(text: str, _: Language) -> bool:
    return any(unicodedata.category(each) in {"Cc", "Cf", "Co", "Cn", "Cs"} for each in text if each != "\n")


def _foreign(text: str, language: Language) -> bool:
    """Return whether a text is not in its language."""
    han, latin = len(_HAN.findall(text)), len(re.findall(r"[A-Za-z]", text))
    return han < _HAN_MIN if language is Language.ZH else han > latin


def _nameless(text: str, language: Language) -> bool:
    return _letters(phrases.LINK.without(text, language)) < _NAME_MIN or phrases.EMPTY.within(text, language)


def _says_nothing(text: str, language: Language) -> bool:
    """Return whether nothing is left of a text without links and without what only points elsewhere."""
    if phrases.EMPTY.within(text, language):
        return True
    left = phrases.LINK.without(phrases.POINTER.without(text, language), language)
    if language is Language.ZH:
        return len(_HAN.findall(left)) < _LETTERS_MIN[language]
    return _letters(left) < _LETTERS_MIN[language] or len(_WORD.findall(left)) < _WORDS_MIN


def _letters(text: str) -> int:
    return sum(each.isalnum() for each in text)


def _endless(text: str, language: Language) -> bool:
    """Return whether no period and no end is named, or one that is none."""
    if phrases.FOREVER.within(text, language):
        return True
    if phrases.PERIOD.within(text, language):
        return False
    return phrases.VAGUE.within(text, language) or not phrases.END.within(text, language)


def _no_other_way(text: str, language: Language) -> bool:
    left = phrases.UNNAMED_WAY.without(text, language)
    return phrases.NO_WAY.within(text, language) or _says_nothing(left, language)


def _all_but(*items: NoticeItem) -> frozenset[NoticeItem]:
    return frozenset(NoticeItem) - set(items)


_CONDITION: Final = _Rule(
    frozenset({NoticeItem.NECESSITY, NoticeItem.EFFECT, NoticeItem.ALTERNATIVES, NoticeItem.WITHDRAWAL}),
    phrases.CONDITION.within,
    "makes the face a condition; say what the face adds, and that the service is there without it",
    "以人脸为提供服务的条件；请写明人脸带来什么，并说明不使用人脸同样提供服务",
)
RULES: Final = (
    _Rule(
        frozenset(NoticeItem),
        _hidden,
        "holds characters that nobody sees; write plain text",
        "含有不可见字符；请使用普通文本",
    ),
    _Rule(_all_but(*_NAMES), _foreign, "is not in its language; translate it", "语言不符；请译为该语言"),
    _Rule(
        frozenset({NoticeItem.WHO}), _nameless, "names nobody; write the operator's full name", "未写明名称；请写全称"
    ),
    _Rule(
        _all_but(*_NAMES),
        _says_nothing,
        "says nothing or only points elsewhere; write here what it is",
        "没有实际内容或仅指向他处；请在此写明",
    ),
    _Rule(
        frozenset({NoticeItem.CONTACT, NoticeItem.COMPLAINTS}),
        lambda text, language: not phrases.REACH.within(text, language),
        "has no way to reach anybody; write a mail address, a telephone number or a postal address",
        "没有可用的联系途径；请写明电子邮箱、电话或地址",
    ),
    _Rule(
        frozenset({NoticeItem.RETENTION}),
        _endless,
        "names no period and no end; write for how many days, or until what",
        "未写明期限或终止时间；请写明保存多少天或保存至何时",
    ),
    _Rule(
        frozenset({NoticeItem.PURPOSE}),
        phrases.BUNDLE.within,
        "bundles purposes; write one, and make a purpose of each other one",
        "捆绑多个目的；请只写一个，其余另设目的",
    ),
    _Rule(
        frozenset({NoticeItem.DATA, NoticeItem.STORAGE}),
        phrases.OPEN_ENDED.within,
        "is a list with an open end; write all of it",
        "列举不完整；请全部写明",
    ),
    _Rule(
        frozenset({NoticeItem.WITHDRAWAL}),
        lambda text, language: not phrases.WAY.within(text, language),
        "does not say how; write whom to tell, or what to press",
        "未写明方式；请写明告知何人或如何操作",
    ),
    _Rule(
        frozenset({NoticeItem.WITHDRAWAL}),
        phrases.COST.within,
        "makes withdrawing dearer or harder than agreeing; it costs nothing",
        "撤回的代价高于同意；撤回应当免费",
    ),
    _Rule(
        frozenset({NoticeItem.ALTERNATIVES}),
        _no_other_way,
        "names no other way; write which way there is without a face, and where",
        "未写明其他方式；请写明不使用人脸的方式及其地点",
    ),
)


def remarks(site: Site) -> list[Remark]:
    """Return every remark on every notice of a site."""
    return [remark for code, purpose in site.purposes.items() for remark in remarks_on(code, purpose)]


def remarks_on(code: str, purpose: Purpose) -> list[Remark]:
    """Return every remark on the notice of one purpose, in both languages and in plain language."""
    if purpose.notice is None:
        return []
    basis = purpose.statutory_basis
    ordered = (
        basis is not None and Lift.CONSENT in basis.lifts
    )  # then a law, and not the operator, makes it a condition
    rules = RULES if ordered else (*RULES, _CONDITION)
    found: list[Remark] = []
    for language in Language:
        notice = purpose.notice.zh if language is Language.ZH else purpose.notice.en
        texts: list[tuple[Variant, NoticeItems]] = [(Variant.STANDARD, notice)]
        if notice.plain is not None:
            texts.append((Variant.PLAIN_LANGUAGE, notice.plain))
        for variant, items in texts:
            said = [(item, getattr(items, item.value)) for item in NoticeItem]
            wrong = [*_wrong(said, language, rules, purpose.retention_days)]
            if variant is Variant.PLAIN_LANGUAGE:
                wrong += _not_plain(said, language)
            found += [Remark(code, item, language, variant, en, zh) for item, en, zh in wrong]
    return found


_Wrong = tuple[NoticeItem, str, str]


def _wrong(
    said: list[tuple[NoticeItem, str]], language: Language, rules: tuple[_Rule, ...], days: int | None
) -> Iterator[_Wrong]:
    seen: dict[str, NoticeItem] = {}
    for item, text in said:
        if not text:
            yield item, "missing; write it", "缺失；请补充"
            continue
        if len(text) > CHARS_MAX[language]:
            yield item, "is too long to be read at a desk; shorten it", "过长，难以当场读完；请缩短"
            continue
        for rule in rules:
            if item in rule.items and rule.wrong(text, language):
                yield item, rule.en, rule.zh
        alike = "".join(each for each in text.casefold() if each.isalnum())
        if (other := seen.setdefault(alike, item)) is not item:
            en, zh = NAMES[other]
            yield item, f"is a copy of `{other}` ({en}); write what belongs here", f"与“{zh}”重复；请写明本项内容"
        if item is NoticeItem.RETENTION and days is not None and _other_days(text, language, days):
            yield (
                item,
                f"names other days than the {days} of the site file; write those",
                f"与站点文件的 {days} 天不一致",
            )


def _other_days(text: str, language: Language, days: int) -> bool:
    sought = phrases.DAYS.zh if language is Language.ZH else phrases.DAYS.en
    named = {int(each) for each in sought.findall(text)}
    return bool(named) and days not in named


def _not_plain(said: list[tuple[NoticeItem, str]], language: Language) -> Iterator[_Wrong]:
    """Yield the items whose sentences are too long to be plain."""
    for item, text in said:
        lengths = [length for each in _SENTENCE.split(text) if (length := _length(each, language))]
        if lengths and (fmean(lengths) > SENTENCE_MEAN_MAX[language] or max(lengths) > SENTENCE_MAX[language]):
            yield item, "has sentences that are too long to be plain; split them", "句子过长，不够通俗；请拆成短句"


def _length(sentence: str, language: Language) -> int:
    """Return the words of a sentence; in Chinese, its characters and what is not Chinese by words."""
    words = len(_WORD.findall(_HAN.sub(" ", sentence)))
    return len(_HAN.findall(sentence)) + words if language is Language.ZH else words


def refuse(found: list[Remark]) -> None:
    """Raise MalformedError that names every remark, if there are any."""
    if not found:
        return
    en = "; ".join(f"{each.place} ({NAMES[each.item][0]}): {each.en}" for each in found)
    zh = "；".join(f"{each.place}（{NAMES[each.item][1]}）：{each.zh}" for each in found)
    raise MalformedError(
        f"The notice is not published. {en}. Correct it and apply again.", f"告知书未发布。{zh}。请更正后重新应用。"
    )
