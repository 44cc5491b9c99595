"""One article, one file: front matter, the text in our own words in two languages, the rules and the examples."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from cedarpy import policies_to_json_str

from countenance.answer import Text
from countenance.facts import FACT_NAMES
from countenance.law.atoms import AtomIndex, UnreadableRule, policy_text
from countenance.law.bounds import beyond_bounds
from countenance.law.files import refuse
from countenance.law.pack import Article, DutyRule, Encoding, Example, Parameter, Rule
from countenance.law.strict_yaml import read_yaml
from countenance.law.tree import leaves
from countenance.vocabulary import Action

_NUMBER: Final = re.compile(r"[1-9][0-9]{0,3}[a-z]?")
_PARAMETER: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_DUTY: Final = re.compile(r"[a-z][a-z0-9-]{0,63}")
_FENCE: Final = re.compile(r"```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_POLICY_START: Final = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|\b(?:permit|forbid)\s*\(')
_FRONT: Final = frozenset(("article", "title", "encoding", "source", "evidence", "checked_on", "parameters"))
_EXAMPLE: Final = frozenset(("story", "at", "facts", "outcome", "named", "articles"))
_RULE_NOTES: Final = frozenset(("reason_en", "reason_zh", "remedy_en", "remedy_zh", "requires"))
_DUTY_NOTES: Final = frozenset(("duty", "reason_en", "reason_zh"))
#: A file says these three things, whatever else it says.
SECTIONS: Final = ("## English", "## 中文", "## What is encoded, and what is not")
OUTCOMES: Final = ("permit", "refuse", "missing")


@dataclass(frozen=True, slots=True)
class Source:
    """A file of the pack while it is read: where it is and what it says."""

    pack: str
    where: str
    text: str

    def line(self, offset: int) -> int:
        """Return the line of an offset in the text."""
        return self.text.count("\n", 0, offset) + 1


def read_article(source: Source, atoms: AtomIndex, first_policy: int) -> Article:
    """Return the article of one file, rules numbered from `first_policy`; raise `MalformedError` naming the line."""
    front, body_at = _front(source)
    for section in SECTIONS:
        if f"\n{section}\n" not in source.text[body_at:]:
            refuse(source.where, 1, f"the section `{section}` is missing", f"缺少“{section}”一节")
    number = _number(source, front)
    rules: list[Rule] = []
    duties: list[DutyRule] = []
    examples: list[Example] = []
    for fence in _FENCE.finditer(source.text, body_at):
        line = source.line(fence.start(2))
        if fence.group(1) == "cedar":
            _read_cedar(source, fence.group(2), line, number, (rules, duties), (atoms, first_policy))
        elif fence.group(1) == "yaml":
            examples += _examples(source, fence.group(2), line, number)
    encoding = _choice(source, front, "encoding")
    if (encoding is Encoding.ENFORCED) != bool(rules or duties):
        refuse(
            source.where,
            1,
            "an article has rules exactly when its encoding is `enforced`",
            "仅当编码方式为 enforced 时才有且须有规则",
        )
    _demand_examples(source, rules, examples)
    return Article(
        number=number,
        title=text_of(front["title"], source.where, "title"),
        encoding=encoding,
        source=_plain(source, front, "source"),
        evidence=_plain(source, front, "evidence"),
        checked_on=day_of(front["checked_on"], source.where, "checked_on") if front["checked_on"] else None,
        text=source.text[body_at:].strip() + "\n",
        parameters=_parameters(source, front.get("parameters") or {}),
        rules=tuple(rules),
        duties=tuple(duties),
        examples=tuple(examples),
        file=source.where,
    )


def _front(source: Source) -> tuple[dict[str, Any], int]:
    """Return the front matter and where the body begins."""
    end = source.text.find("\n---\n", 3)
    if not source.text.startswith("---\n") or end < 0:
        refuse(
            source.where,
            1,
            "a file begins with front matter between two lines of `---`",
            "文件须以两行 `---` 之间的元数据开头",
        )
    front = read_yaml(source.text[4 : end + 1], source.where, 2)
    if not isinstance(front, dict) or not (_FRONT - {"parameters"}) <= front.keys() <= _FRONT:
        wanted = ", ".join(sorted(_FRONT))
        refuse(source.where, 2, f"front matter has exactly these keys: {wanted}", f"元数据须恰有这些键：{wanted}")
    return front, end + len("\n---\n")


def _number(source: Source, front: Mapping[str, Any]) -> str:
    """Return the article's number, which the file's name repeats with two digits at least."""
    number = front["article"]
    if not isinstance(number, str) or not _NUMBER.fullmatch(number):
        refuse(source.where, 2, 'the article is a quoted number, such as "6"', '条文编号须为带引号的数字，如 "6"')
    name = source.where.rpartition("/")[2].partition("-")[0]
    if name.lstrip("0") != number:
        refuse(source.where, 2, "the file's name begins with the article's number", "文件名须以条文编号开头")
    return number


def _plain(source: Source, front: Mapping[str, Any], key: str) -> str:
    if not isinstance(front[key], str) or not front[key].strip():
        refuse(source.where, 2, f"{key} is a text", f"{key} 须为文本")
    return str(front[key])


def _choice(source: Source, front: Mapping[str, Any], key: str) -> Encoding:
    try:
        return Encoding(front[key])
    except ValueError:
        listed = ", ".join(Encoding)
        refuse(source.where, 2, f"{key} is one of {listed}", f"{key} 须为以下之一：{listed}")


def text_of(raw: Any, where: str, key: str, line: int = 2) -> Text:
    """Return a text in both languages, or refuse."""
    if not isinstance(raw, dict) or set(raw) != {"en", "zh"} or not all(isinstance(v, str) and v for v in raw.values()):
        refuse(where, line, f"{key} has a text `en` and a text `zh`", f"{key} 须有 en 与 zh 两段文本")
    return Text(raw["en"], raw["zh"])


def day_of(raw: Any, where: str, key: str, line: int = 2) -> date:
    """Return a day written as YYYY-MM-DD, or refuse."""
    written = isinstance(raw, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", raw)
    with suppress(ValueError):
        if written:
            return date.fromisoformat(raw)
    return refuse(where, line, f"{key} is a day, such as 2023-08-08", f"{key} 须为日期，如 2023-08-08")


def _parameters(source: Source, raw: Any) -> tuple[Parameter, ...]:
    """Return the dated numbers of an article, each history in order of its days."""
    if not isinstance(raw, dict):
        refuse(source.where, 2, "parameters is an object by name", "parameters 须为按名称列出的对象")
    made = []
    for name, given in raw.items():
        good = _PARAMETER.fullmatch(name) and isinstance(given, dict) and set(given) == {"values", "reference"}
        values = given["values"] if good else None
        if not isinstance(values, dict) or not values or not all(type(value) is int for value in values.values()):
            refuse(
                source.where, 2,
                f"parameter {name} has `values`, whole numbers by first day, and a `reference`",
                f"参数 {name} 须有 values（按起始日列出的整数）与 reference",
            )  # fmt: skip
        history = sorted((day_of(day, source.where, name), value) for day, value in values.items())
        made.append(Parameter(name, tuple(history), str(given["reference"])))
    return tuple(made)


def _read_cedar(
    source: Source,
    text: str,
    line: int,
    number: str,
    into: tuple[list[Rule], list[DutyRule]],
    index: tuple[AtomIndex, int],
) -> None:
    """Take the policies of one cedar block apart: `forbid` is a rule, `permit` with @duty a duty."""
    starts = [m.start() for m in _POLICY_START.finditer(text) if m.group().startswith(("permit", "forbid"))]
    beyond = beyond_bounds(text)
    if beyond is not None:
        refuse(
            source.where,
            line + text.count("\n", 0, beyond),
            "a policy nests too deep or is too long; write several",
            "策略嵌套过深或过长；请拆分为多条",
        )
    try:
        policies = json.loads(policies_to_json_str(text))
    except (ValueError, RecursionError) as error:
        said = " ".join(str(error).split())[:200]
        refuse(source.where, line, f"Cedar cannot read this block ({said})", "Cedar 无法读取此代码块")
    static = policies["staticPolicies"]
    if policies["templates"] or len(starts) != len(static):
        refuse(source.where, line, "a block holds plain policies, no templates", "代码块只能包含普通策略，不得使用模板")
    rules, duties = into
    atoms, first_policy = index
    for place in range(len(static)):
        policy = static[f"policy{place}"]
        at = line + text.count("\n", 0, starts[place])
        try:
            if policy["effect"] == "forbid":
                rules.append(_rule(source, policy, at, number, (first_policy, len(rules)), atoms))
            else:
                duties.append(_duty(source, policy, at, number, atoms))
        except UnreadableRule as error:
            refuse(source.where, at, error.en, error.zh)
        except (ValueError, RecursionError):
            refuse(source.where, at, "a policy nests too deep; write several", "策略嵌套过深；请拆分为多条")


def _actions(source: Source, policy: Mapping[str, Any], line: int) -> tuple[Action, ...]:
    """Return the actions of a policy's scope; it may say nothing of principal or resource."""
    scope = policy["action"]
    entities = scope.get("entities") or ([scope["entity"]] if "entity" in scope else [])
    free = policy["principal"] == policy["resource"] == {"op": "All"}
    known = all(entity["type"] == "Action" and entity["id"] in list(Action) for entity in entities)
    if not free or not known or scope["op"] not in ("All", "==", "in"):
        refuse(
            source.where, line,
            "a policy's scope is (principal, action, resource), with actions of the contract",
            "策略范围须为 (principal, action, resource)，且动作须在约定列表中",
        )  # fmt: skip
    return tuple(Action) if scope["op"] == "All" else tuple(Action(entity["id"]) for entity in entities)


def _notes(
    source: Source, policy: Mapping[str, Any], line: int, wanted: frozenset[str], free: frozenset[str]
) -> dict[str, str]:
    """Return a policy's annotations: all those wanted, none but those and the free ones."""
    notes: dict[str, str] = policy.get("annotations") or {}
    if not wanted - free <= notes.keys() <= wanted or not all(notes.values()):
        listed = " ".join(f"@{name}" for name in sorted(wanted - free))
        refuse(source.where, line, f"a policy carries {listed}, each with a text", f"策略须带有 {listed}，且均有文本")
    return notes


def _rule(
    source: Source, policy: dict[str, Any], line: int, number: str, place: tuple[int, int], atoms: AtomIndex
) -> Rule:
    """Return a rule; `place` is the number of the article's first policy in the pack, and the rule's in the article."""
    notes = _notes(source, policy, line, _RULE_NOTES, frozenset(("requires",)))
    actions = _actions(source, policy, line)
    requires = tuple(part.strip() for part in notes.get("requires", "").split(",") if part.strip())
    for fact in requires:
        if fact not in FACT_NAMES or fact in ("action", "at"):
            refuse(
                source.where,
                line,
                "@requires names facts of the contract, with commas",
                "@requires 须列出约定中的事实，以逗号分隔",
            )
    tree = atoms.tree(policy["conditions"], actions)
    labelled = {**policy, "annotations": {"id": f"{source.pack}/{number}/{place[1] + 1}", **notes}}
    return Rule(
        policy=f"policy{sum(place)}",
        article=number,
        actions=frozenset(actions),
        tree=tree,
        atoms=leaves(tree),
        requires=requires,
        reason=Text(notes["reason_en"], notes["reason_zh"]),
        remedy=Text(notes["remedy_en"], notes["remedy_zh"]),
        cedar=policy_text(labelled),
    )


def _duty(source: Source, policy: dict[str, Any], line: int, number: str, atoms: AtomIndex) -> DutyRule:
    notes = _notes(source, policy, line, _DUTY_NOTES, frozenset())
    if not _DUTY.fullmatch(notes["duty"]):
        refuse(source.where, line, "a duty is a word in small letters with hyphens", "义务名须为小写字母加连字符")
    actions = _actions(source, policy, line)
    tree = atoms.tree(policy["conditions"], actions)
    return DutyRule(
        duty=notes["duty"],
        article=number,
        actions=frozenset(actions),
        tree=tree,
        reads=atoms.reads(leaves(tree)),
        reason=Text(notes["reason_en"], notes["reason_zh"]),
        cedar=policy_text(policy),
    )


def _examples(source: Source, text: str, line: int, number: str) -> list[Example]:
    """Return the examples of one yaml block."""
    raw = read_yaml(text, source.where, line)
    if not isinstance(raw, dict) or set(raw) != {"examples"} or not isinstance(raw["examples"], list):
        refuse(source.where, line, "a yaml block holds one list, `examples`", "yaml 代码块须只含一个列表 examples")
    starts = [line + text.count("\n", 0, found.start()) for found in re.finditer(r"^ *- story:", text, re.MULTILINE)]
    made = []
    for place, item in enumerate(raw["examples"]):
        at = starts[place] if len(starts) == len(raw["examples"]) else line
        keys = item.keys() if isinstance(item, dict) else set()
        if not {"story", "at", "facts", "outcome"} <= keys <= _EXAMPLE or not isinstance(item["facts"], dict):
            refuse(
                source.where, at, "an example has story, at, facts and outcome", "示例须有 story、at、facts 与 outcome"
            )
        if item["outcome"] not in OUTCOMES or (item["outcome"] == "missing") > ("named" in item):
            refuse(
                source.where, at,
                "an outcome is permit, refuse, or missing with the facts `named`",
                "结果须为 permit、refuse，或附 named 所列事实的 missing",
            )  # fmt: skip
        made.append(
            Example(
                story=text_of(item["story"], source.where, "story", at),
                facts={**item["facts"], "at": item["at"]},
                outcome=item["outcome"],
                named=tuple(item.get("named") or ()),
                articles=tuple(item.get("articles") or (() if item["outcome"] == "permit" else (number,))),
                where=f"{source.where}:{at}",
            )
        )
    return made


def _demand_examples(source: Source, rules: list[Rule], examples: list[Example]) -> None:
    """Refuse an article with rules that lacks a permit, a refusal or a missing fact among its examples."""
    lacking = [outcome for outcome in OUTCOMES if outcome not in {example.outcome for example in examples}]
    if rules and lacking:
        listed = ", ".join(lacking)
        refuse(source.where, 1, f"examples are lacking with the outcome {listed}", f"缺少结果为 {listed} 的示例")
