"""The guided questions of an impact assessment, each under the heads of the law that it answers.

Four heads are those of the measures (article 9), six those of the draft (article 15, from memory, as its file says).
`pia` is the number under which the PIA tool of the French authority asks the same; where it asks nothing alike, the
answer travels as one of its measures, or as the officer's opinion.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from countenance.answer import Text


class Asks(StrEnum):
    """What a question asks for: words, a list, or words and a step from 1 to 4."""

    WORDS = "words"
    LIST = "list"
    STEP = "step"


@dataclass(frozen=True, slots=True)
class Head:
    """One head under which an act wants an assessment to look."""

    pack: str
    article: str
    text: Text


@dataclass(frozen=True, slots=True)
class Question:
    """One question: its id, what it asks for, its words, the heads it answers, its number in the PIA tool if any."""

    id: str
    asks: Asks
    text: Text
    heads: tuple[str, ...]
    pia: int | None = None


HEADS: Final[Mapping[str, Head]] = MappingProxyType(
    {
        "m1": Head(
            "cn-2025",
            "9",
            Text(
                "Whether purpose and method are lawful, proper and necessary",
                "处理目的、处理方式是否合法、正当、必要",
            ),
        ),
        "m2": Head(
            "cn-2025",
            "9",
            Text(
                "The effect on the person's rights, and whether what is done against it works",
                "对个人权益的影响，以及降低不利影响的措施是否有效",
            ),
        ),
        "m3": Head(
            "cn-2025",
            "9",
            Text(
                "The risk and harm of leak, tampering, loss, damage, unlawful acquisition, sale or use",
                "泄露、篡改、丢失、毁损或者被非法获取、出售、使用的风险及可能的危害",
            ),
        ),
        "m4": Head(
            "cn-2025",
            "9",
            Text(
                "Whether the protection is lawful, effective and in proportion to the risk",
                "保护措施是否合法、有效并与风险程度相适应",
            ),
        ),
        "d1": Head(
            "cn-2023-draft",
            "15",
            Text("Conformity with law, mandatory standards and ethics", "是否符合法律法规、强制性标准与伦理"),
        ),
        "d2": Head(
            "cn-2023-draft",
            "15",
            Text("Whether there is a specific purpose and sufficient need", "是否具有特定目的和充分必要性"),
        ),
        "d3": Head(
            "cn-2023-draft",
            "15",
            Text(
                "Whether accuracy, precision and distance are limited to what the purpose needs",
                "是否限于实现目的所必需的准确度、精度及距离要求",
            ),
        ),
        "d4": Head(
            "cn-2023-draft",
            "15",
            Text("Whether the protection is lawful, effective and in proportion", "保护措施是否合法有效并与风险相适应"),
        ),
        "d5": Head(
            "cn-2023-draft",
            "15",
            Text("The risk and harm of leak and misuse", "泄露、滥用等的风险及可能的危害"),
        ),
        "d6": Head(
            "cn-2023-draft",
            "15",
            Text(
                "Harm and effect to the person's rights, and whether what is done against it works",
                "对个人权益的损害和影响，以及降低不利影响的措施是否有效",
            ),
        ),
    }
)

_W, _L, _S = Asks.WORDS, Asks.LIST, Asks.STEP
_MAIN: Final = (
    Question(
        "processing", _W, Text("What is processed, for which purpose?", "处理什么，用于何种目的？"), ("m1", "d2"), 111
    ),
    Question("responsible", _W, Text("Who is responsible for it?", "由谁负责？"), ("m1", "d1"), 112),
    Question(
        "lawful",
        _W,
        Text(
            "Which laws, mandatory standards and principles of ethics apply, and are they met?",
            "适用哪些法律、强制性标准与伦理要求，是否符合？",
        ),
        ("m1", "d1"),
        113,
    ),
    Question("data", _W, Text("Which data are processed?", "处理哪些信息？"), ("m1", "d2"), 121),
    Question(
        "method",
        _W,
        Text("How are they processed, from capture to destruction?", "从采集到销毁如何处理？"),
        ("m1", "d2"),
        122,
    ),
    Question(
        "storage", _W, Text("On what, and where, are they stored?", "以何种载体、在何处存储？"), ("m1", "d4"), 123
    ),
    Question(
        "necessity",
        _W,
        Text("Why are faces needed; what fails without them?", "为何必须使用人脸；不使用会怎样？"),
        ("m1", "d2"),
        211,
    ),
    Question(
        "basis",
        _W,
        Text("On what does it rest: consent, or which law?", "处理依据：同意，或何种法律规定？"),
        ("m1", "d1"),
        212,
    ),
    Question(
        "accuracy",
        _W,
        Text(
            "Are accuracy, precision and distance of capture limited to what the purpose needs?",
            "采集的准确度、精度与距离是否限于目的所必需？",
        ),
        ("m1", "d3"),
        213,
    ),
    Question(
        "errors",
        _W,
        Text(
            "How often does it err, for whom more often, and what happens to whom it errs about?",
            "误差率如何、对哪些人群更高、出错时对个人有何后果？",
        ),
        ("m2", "d3"),
        214,
    ),
    Question(
        "retention",
        _W,
        Text("How long is what kept, and why so long?", "各类信息保存多久，理由何在？"),
        ("m1", "d2"),
        215,
    ),
    Question("notice", _W, Text("How are people told?", "如何告知个人？"), ("m2", "d6"), 221),
    Question("consent", _W, Text("How is consent asked for?", "如何取得同意？"), ("m2", "d6"), 222),
    Question(
        "rights", _W, Text("How do people see what is held, and get a copy?", "个人如何查阅、复制？"), ("m2", "d6"), 223
    ),
    Question(
        "withdrawal",
        _W,
        Text("How do people correct, withdraw and have erased?", "个人如何更正、撤回与删除？"),
        ("m2", "d6"),
        224,
    ),
    Question(
        "alternatives",
        _W,
        Text("What does somebody do who says no, and is that way equal?", "拒绝者如何办理，该方式是否同等便利？"),
        ("m2", "d6"),
        225,
    ),
    Question(
        "third_parties",
        _W,
        Text(
            "Does anybody else take part: a processor, a recipient, a third party in this assessment?",
            "是否有受托处理者、接收方，或参与本评估的第三方？",
        ),
        ("m1", "d1"),
        226,
    ),
    Question(
        "transfers",
        _W,
        Text("Does anything leave the device, the site, the country?", "信息是否离开设备、场所或国境？"),
        ("m1", "d4"),
        227,
    ),
    Question("minors", _W, Text("How are those under 14 treated?", "对不满十四周岁者如何处理？"), ("m2", "d6")),
    Question(
        "effect",
        _W,
        Text("What effect has it on people's rights, at worst?", "对个人权益最严重的影响是什么？"),
        ("m2", "d6"),
    ),
    Question(
        "mitigation",
        _W,
        Text(
            "Does what is done against that effect work, and how is that known?", "降低影响的措施是否有效，依据何在？"
        ),
        ("m2", "d6"),
    ),
    Question(
        "proportionate",
        _W,
        Text(
            "Is the protection lawful, effective and in proportion to the risk?",
            "保护措施是否合法、有效并与风险相适应？",
        ),
        ("m4", "d4"),
    ),
)
_RISKS: Final = (
    ("access", 320, Text("unlawful access, leak, sale or use", "非法获取、泄露、出售或使用")),
    ("change", 330, Text("tampering", "篡改")),
    ("loss", 340, Text("loss or damage", "丢失、毁损")),
)
_OF_A_RISK: Final = (
    ("impacts", _L, 1, Text("What would it do to people: {}?", "发生{}时对个人有何影响？")),
    ("threats", _L, 2, Text("By what could it come about: {}?", "{}可能由何种威胁引起？")),
    ("sources", _L, 3, Text("Who or what could cause it: {}?", "{}可能源自何人何物？")),
    ("measures", _L, 4, Text("What is done against it: {}?", "针对{}采取了哪些措施？")),
    (
        "severity",
        _S,
        5,
        Text("How severe would it be: {}? (1 to 4, with reasons)", "{}的严重程度？（1 至 4，并说明理由）"),
    ),
    ("likelihood", _S, 6, Text("How likely is it: {}? (1 to 4, with reasons)", "{}的可能性？（1 至 4，并说明理由）")),
)


def _risks() -> tuple[Question, ...]:
    made = []
    for risk, base, name in _RISKS:
        for part, asks, number, text in _OF_A_RISK:
            words = Text(text.en.format(name.en), text.zh.format(name.zh))
            heads = ("m4", "d4") if part == "measures" else ("m3", "d5")
            made.append(Question(f"{risk}.{part}", asks, words, heads, base + number))
    return tuple(made)


CONCLUSION: Final = Question(
    "conclusion",
    Asks.WORDS,
    Text(
        "Conclusion: may it begin or go on, on which conditions?",
        "结论：是否可以开展或继续，附何条件？",
    ),
    ("m1", "m2", "m3", "m4", "d1", "d2", "d3", "d4", "d5", "d6"),
)
QUESTIONS: Final = (*_MAIN, *_risks(), CONCLUSION)
BY_ID: Final[Mapping[str, Question]] = MappingProxyType({each.id: each for each in QUESTIONS})
