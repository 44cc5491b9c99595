"""What the lint of notices looks for, in English and Chinese: expressions, and what is read past before that.

They find what hides, binds together or presses; they cannot tell whether a notice is true.
"""

import re
from dataclasses import dataclass
from typing import Final

from countenance.vocabulary import Language

EN, ZH = Language.EN, Language.ZH


@dataclass(frozen=True, slots=True)
class Phrase:
    """An expression in each language, sought where `past` (a denial, say) does not cover it."""

    en: re.Pattern[str]
    zh: re.Pattern[str]
    past_en: re.Pattern[str] | None = None
    past_zh: re.Pattern[str] | None = None

    def within(self, text: str, language: Language) -> bool:
        """Return whether it stands in a text."""
        past = self.past_en if language is EN else self.past_zh
        sought = self.en if language is EN else self.zh
        return sought.search(past.sub(" ", text) if past else text) is not None

    def without(self, text: str, language: Language) -> str:
        """Return a text from which it is taken."""
        return (self.en if language is EN else self.zh).sub(" ", text)


def _phrase(en: str, zh: str, past_en: str | None = None, past_zh: str | None = None) -> Phrase:
    made = [None if each is None else re.compile(each, re.IGNORECASE) for each in (en, zh, past_en, past_zh)]
    assert made[0] is not None  # noqa: S101 — for the type checker
    assert made[1] is not None  # noqa: S101
    return Phrase(made[0], made[1], made[2], made[3])


_LINK = r"(?:https?://|www\.)[^\s，。；、]+"
LINK: Final = _phrase(_LINK, _LINK)
#: "See our website for details", and whatever else says only where something is said.
POINTER: Final = _phrase(
    r"\b(?:see|refer to|visit|read|consult|find|described|published|set out|available|details?)\b[^.;]*?"
    rf"\b(?:web ?sites?|web ?pages?|home ?page|privacy (?:policy|statement|notice)|our policy|terms|link|{_LINK})"
    r"(?:,?\s*\b(?:for|to (?:find|read|learn|know)|where|which)\b[^.;,]*)?",
    rf"(?:详情?)?请?(?:见|参见|参阅|查看|查阅|访问|登录|点击|前往)[^。；，]*?"
    rf"(?:官网|网站|网页|网址|链接|隐私政策|隐私声明|协议|条款|{_LINK})(?:\s*，?\s*以?(?:了解|获取|查询)[^。；，]*)?",
)
#: An item that stands there only so that it is not missing.
EMPTY: Final = _phrase(
    r"^\W*(?:n/?a|none|nil|tbd|unknown|to be (?:determined|announced)|not applicable|same|same as (?:above|before)|"
    r"as (?:stated|described|usual|above|before)(?: above| before)?|see above|see below)\W*$",
    r"^\W*(?:无|暂无|没有|不适用|待定|未定|略|未知|同上|如上|见上文?|见下文?|如前所述)\W*$",
)
#: A way to reach somebody: a mail address, a telephone number of at least seven digits or a hotline, a postal address.
REACH: Final = _phrase(
    r"[^\s@<>(),;]+@[^\s@]+\.[a-z]{2,}|\+?\d(?:[\s()-]*\d){6,}|\b(?:call|phone|hotline|tel\.?)\D{0,12}\d{5}\b|"
    r"\b\d+[a-z]?,? (?:[a-z'-]+ ){1,5}(?:street|st|road|rd|avenue|ave|lane|square|boulevard|drive|quay|plaza)\b|"
    r"\b(?:room|floor|p\.? ?o\.? box) ?\d+",
    r"[^\s@<>（）(),，;；]+@[^\s@]+\.[a-z]{2,}|\+?\d(?:[\s()（）-]*\d){6,}|(?:电话|拨打|热线|致电)\D{0,6}\d{5}\b|"
    r"(?:省|市|区|县|镇|乡|路|街|道|巷|弄|村)[^，。；]{0,40}\d+[^，。；]{0,6}(?:号|室|层|楼|栋|座)",
)
_NUMBER = (
    r"(?:\d+|an?|one|two|three|four|five|six|seven|eight|nine|ten|twelve|fourteen|fifteen|twenty|thirty|sixty|ninety)"
)
PERIOD: Final = _phrase(
    rf"\b{_NUMBER}[\s-](?:working |business |calendar )?(?:second|minute|hour|day|night|week|month|quarter|year)s?\b",
    r"[\d一二两三四五六七八九十百半]+\s*个?\s*(?:工作日|自然日|秒|分钟|小时|天|日|晚|夜|周|星期|月|季度|年)",
)
END: Final = _phrase(
    r"\b(?:until|till|at the end of|at check-?out|(?:when|once) (?:you|your|the)|at once|immediately|"
    r"(?:not|never) (?:kept|stored|retained))\b",
    r"至|直到|截止|截至|之前|(?:离店|退房|离开|离职|毕业|注销|撤回|结束|完成|终止)[^。；]{0,8}(?:时|后|即|删除|销毁)|"
    r"不保存|不留存|立即删除|当即",
)
#: A period that only the operator knows.
VAGUE: Final = _phrase(
    r"\b(?:as|so|for as) long as\b[^.;]{0,30}\b(?:necessary|needed?|required?|like|wish|permitted)|"
    r"\bno longer (?:necessary|needed|required)|\b(?:necessary|appropriate|reasonable) (?:period|time)|"
    r"\bwhile (?:it is )?(?:necessary|needed)",
    r"(?:所需|所必需|必要|必需|合理|适当|相应|最短)的?[^。；，]{0,6}(?:期限|时间|期间)|不再(?:需要|必要)",
)
FOREVER: Final = _phrase(
    r"\b(?:forever|indefinite(?:ly)?|permanent(?:ly)?|unlimited|without limit|in perpetuity)\b",
    r"永久|长期|无限期|无期限|一直保存",
    r"\b(?:not|never|nothing|no)\b[^.;]{0,24}\b(?:forever|indefinitely|permanently)\b",
    r"不[^。；，]{0,6}(?:永久|长期|无限期)",
)
#: Days in figures, to hold against the days that the site file sets.
DAYS: Final = _phrase(r"\b(\d+)[\s-](?:calendar )?days?\b", r"(\d+)\s*(?:天|日)")
#: One purpose is one purpose.
BUNDLE: Final = _phrase(
    r"\b(?:other|related|similar|further|additional|various|any|multiple) (?:\w+ )?(?:purposes?|services|uses|needs)\b|"
    r"\bincluding,? but not limited to\b|\bamong other|\betc\b|\band (?:so on|more|the like)\b|\.\.\.|…",
    r"等(?:用途|目的|服务|业务|需要|需求|场景|方面|相关)|等(?=[。；，]|$)|(?:其他|其它|相关)(?:合法)?(?:用途|目的|服务|业务)|"
    r"包括但不限于|包含但不限于|之类|…|\.\.\.",
    r"\b(?:no|not|never|nor|without)\b[^.;]{0,20}\b(?:other|further|any) (?:purposes?|uses)\b",
    r"(?:不|非|没有|无)[^。；，]{0,8}(?:其他|其它)(?:用途|目的)",
)
#: A list whose end is open.
OPEN_ENDED: Final = _phrase(
    r"\bincluding,? but not limited to\b|\bamong other|\betc\b|\band (?:so on|more|the like)\b|"
    r"\bother (?:data|information|places|locations)\b|\.\.\.|…",
    r"包括但不限于|包含但不限于|等(?:信息|数据|个人信息|内容|地点|位置)|等(?=[。；，]|$)|(?:其他|其它)(?:信息|数据|地点|位置)|"
    r"之类|…|\.\.\.",
    r"\b(?:no|not|nor|nothing)\b[^.;]{0,20}\bother (?:data|information|places|locations)\b",
    r"(?:不|没有|无)[^。；，]{0,6}(?:其他|其它)(?:信息|数据|地点|位置)",
)
#: How one withdraws.
WAY: Final = _phrase(
    r"\b(?:tell|ask|say|press|tap|click|call|phone|ring|write|e?-?mail|send|scan|use|show|visit|go to|come to|reply|"
    r"speak|contact|online|receipt|button|desk|counter|reception)\b",
    r"告知|告诉|联系|致电|拨打|电话|点击|按下?|扫|邮件|发送|发信|回执|前台|柜台|自助机|登录|提交|申请|出示|回复|短信|"
    r"小程序|网页|提出|说明|口头",
)
#: What makes withdrawing dearer or harder than agreeing.
COST: Final = _phrase(
    r"\b(?:fees?|(?<!in )charge[sd]?|pay|payment|paid|costs?|deposit|penalt(?:y|ies)|surcharge|forfeit|notari[sz]ed|"
    r"registered (?:letter|mail|post)|at your (?:own )?expense|in person only|only in person)\b",
    r"手续费|服务费|工本费|收费|收取|费用|付费|缴纳|支付|押金|违约金|罚款|扣除|公证|挂号信",
    r"\b(?:no|not|never|without|free of|nor|any)\b[^.;]{0,24}\b(?:fees?|charge[sd]?|costs?|payment|pay|deposit)\b|"
    r"\b(?:costs?|charge[sd]?)(?: you)? nothing\b|\bfree of charge\b",
    r"(?:不|无|没有|免|任何)[^。；，]{0,8}(?:手续费|费用|收费|收取|付费|费|支付|缴纳|押金)",
)
#: There is no other way, or nobody says which.
NO_WAY: Final = _phrase(
    r"\bno (?:other|alternative)s? ?(?:ways?|methods?|means|options?)?\b|\bnot available\b|\bface is the only\b|"
    r"\bonly (?:by|with|through) (?:your )?face\b",
    r"(?:没有|无)(?:其他|其它|替代)|暂无|不提供(?:其他|其它|替代)|仅(?:支持|可|能)(?:使用)?(?:刷脸|人脸)|只能(?:使用)?(?:刷脸|人脸)",
)
UNNAMED_WAY: Final = _phrase(
    r"\b(?:(?:there (?:is|are)|an?|you (?:can|may) (?:use|choose)) )*(?:other|another|alternative|different)s?"
    r"(?: (?:ways?|methods?|means|options?|alternatives?|solutions?))?(?: of [a-z -]+?)?\b"
    r"(?: (?:is|are|exists?|may be|can be))?(?: (?:available|offered|provided|possible|chosen))?"
    r"(?: (?:up)?on request)?|"
    r"\b(?:please )?ask (?:us|our staff|the staff|staff|for it)\b",
    r"(?:您|也|还|可以?|能)*(?:选择|使用|采用|提供)?(?:其他|其它|替代|别的)(?:性)?的?(?:验证|身份验证)?(?:方式|方法|途径|手段)"
    r"(?:办理|进行|验证)?|(?:可|请)(?:咨询|询问|联系)(?:工作人员|我们)?",
)
#: A service held back from whoever says no.
CONDITION: Final = _phrase(
    r"\b(?:must|have to|has to|need to|required to|obliged to) (?:first )?(?:agree|accept|consent|give|submit|scan|"
    r"provide|use your face|show your face)\b|"
    r"\b(?:if|unless|without)\b[^.;]{0,60}\b(?:cannot|can ?not|can't|unable to|not be able to|may not) "
    r"(?:use|enter|stay|check|book|receive|be served|access|proceed|continue|complete|serve|provide|offer|admit|let)\b|"
    r"\b(?:service|entry|admission|access|check-in) (?:is|will be|may be|can be) "
    r"(?:refused|denied|cancelled|withheld)\b|"
    r"\bcondition (?:of|for)\b|\bmandatory\b|\bcompulsory\b|\bpre-?(?:requisite|condition)\b",
    r"(?:必须|须|应当?|需要?)先?(?:同意|接受|授权|刷脸|提供人脸|录入人脸)|"
    r"(?:不同意|拒绝|不接受|未同意|否则|如不)[^。；]{0,16}(?:无法|不能|不得|不予)(?![^。；]{0,4}影响)|强制|前提条件|前置条件|为条件",
    r"\b(?:do not|don't|does not|never|not|nobody|no one|no guest)\b[^.;]{0,16}\b(?:must|have to|has to|need to|"
    r"required to|obliged to|mandatory|compulsory|condition (?:of|for))\b[^.;]*",
    r"(?:不必|无需|无须|不需要?|不须|并非|不是|不会|不以)[^。；，]*",
)
