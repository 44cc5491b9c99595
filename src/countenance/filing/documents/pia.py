"""The file of the PIA tool of the French authority (CNIL): our answers in it, and what a file of it answers here.

The tool's export is one JSON object: `pia`, `answers`, `measures`, `evaluations`, `comments`, and the files attached.
An answer is known by the number of its question. Everything that we write stands in fields the tool itself reads and
writes again, so that an assessment can be worked on there and come back.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from countenance.errors import LimitError, MalformedError
from countenance.filing.documents.answers import GAUGE_MAX, ITEMS_MAX, TEXT_MAX, Answer
from countenance.filing.documents.questions import BY_ID, CONCLUSION, QUESTIONS, Asks, Question
from countenance.filing.documents.rich_text import plain, rich, unformatted

PIA_BYTES_MAX: Final = 8 << 20
_ROWS_MAX: Final = 2000
_BY_NUMBER: Final = {each.pia: each for each in QUESTIONS if each.pia is not None}
#: Questions that the tool does not ask: they travel as measures whose title begins with the question's id in brackets.
_AS_MEASURES: Final = tuple(each for each in QUESTIONS if each.pia is None and each is not CONCLUSION)
_PROGRESS: Final = 100


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file answers, by question, and what of it found no place here, in words."""

    answers: Mapping[str, Answer]
    left_out: tuple[str, ...]


def export_pia(name: str, author: str, answers: Mapping[str, Answer], at: datetime) -> bytes:
    """Return answers as a file that the tool imports; `at` is when it was made."""
    stamp = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    given = {key: answer for key, answer in answers.items() if key in BY_ID and not answer.empty}
    rows = [
        {
            "pia_id": 1,
            "reference_to": question.pia,
            "data": _data(question, given[question.id]),
            "created_at": stamp,
            "updated_at": stamp,
        }
        for question in QUESTIONS
        if question.pia is not None and question.id in given
    ]
    measures = [(_title(each), rich(_words(given[each.id]))) for each in _AS_MEASURES if each.id in given]
    named = dict.fromkeys(item for key, answer in given.items() if key.endswith(".measures") for item in answer.items)
    measures += [(item, "") for item in named]
    conclusion = given.get(CONCLUSION.id, Answer())
    made = {
        "pia": {
            "id": 1,
            "name": name,
            "category": "",
            "author_name": author,
            "evaluator_name": "",
            "validator_name": "",
            "status": 0,
            "is_example": 0,
            "is_archive": 0,
            "progress": round(_PROGRESS * len(given) / len(QUESTIONS), 1),
            "structure_id": "",
            "dpo_opinion": _words(conclusion),
            "created_at": stamp,
            "updated_at": stamp,
        },
        "answers": [row | {"id": place} for place, row in enumerate(rows, 1)],
        "measures": [
            {
                "id": place,
                "pia_id": 1,
                "title": title,
                "content": content,
                "placeholder": "",
                "created_at": stamp,
                "updated_at": stamp,
            }
            for place, (title, content) in enumerate(measures, 1)
        ],
        "evaluations": [],
        "comments": [],
    }
    return json.dumps(made, ensure_ascii=False, indent=2, allow_nan=False).encode()


def read_pia(data: bytes) -> Imported:
    """Return what a file of the tool answers.

    Raises LimitError for one that is too large, MalformedError for what is no such file or holds what could run; then
    nothing of it was read.
    """
    document = _document(data)
    about, rows, measures = document["pia"], _rows(document, "answers"), _rows(document, "measures")
    left_out = [name for name in ("evaluations", "comments", "attachments") if _rows(document, name)]
    described, answers = _measures(measures), {}
    for row in rows:
        number = _number(row.get("reference_to"))
        question = _BY_NUMBER.get(number)
        if question is None:
            left_out.append(f"answer {number}")
            continue
        answer = _answer(question, row.get("data"), described)
        if not answer.empty:
            answers[question.id] = answer
    own = {_title(each): each for each in _AS_MEASURES}
    used = {item.split(": ", 1)[0] for key in answers if key.endswith(".measures") for item in answers[key].items}
    for title, content in described.items():
        if title in own:
            if content:
                answers[own[title].id] = Answer(text=_held(content, title))
        elif title not in used:
            left_out.append(f"measure “{title}”")
    opinion = about.get("dpo_opinion") or ""
    if not isinstance(opinion, str):
        raise _malformed("pia.dpo_opinion")
    if conclusion := unformatted(opinion, "pia.dpo_opinion"):
        answers[CONCLUSION.id] = Answer(text=_held(conclusion, "pia.dpo_opinion"))
    return Imported(answers, tuple(left_out))


def _document(data: bytes) -> dict[str, Any]:
    if len(data) > PIA_BYTES_MAX:
        raise LimitError(
            "The file is larger than 8 MiB. Export it without attachments.", "文件超过 8 MiB。请导出不含附件的版本。"
        )
    try:
        document = json.loads(data.decode("utf-8-sig"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _malformed("the file") from error
    if not isinstance(document, dict) or not isinstance(document.get("pia"), dict) or "answers" not in document:
        raise _malformed("the file")
    return document


def _no_constant(name: str) -> float:
    message = f"{name} is no number"
    raise ValueError(message)


def _rows(document: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    rows = document.get(name) or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows) or len(rows) > _ROWS_MAX:
        raise _malformed(name)
    return rows


def _number(value: object) -> int:
    """Return the number of a question; files of older versions hold it as text."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 6:  # noqa: PLR2004 — digits
        return int(value)
    if type(value) is not int or not 0 <= value < 10**6:
        raise _malformed("answers: reference_to")
    return value


def _answer(question: Question, raw: object, described: Mapping[str, str]) -> Answer:
    where = f"answer {question.pia}"
    if not isinstance(raw, dict):
        raise _malformed(where)
    text, gauge, items = raw.get("text") or "", raw.get("gauge") or None, raw.get("list") or []
    if not isinstance(text, str) or not isinstance(items, list) or not all(isinstance(each, str) for each in items):
        raise _malformed(where)
    if gauge is not None and (type(gauge) is not int or not 1 <= gauge <= GAUGE_MAX):
        raise _malformed(where)
    if len(items) > ITEMS_MAX:
        raise _malformed(where)
    words = [word for each in items if (word := _held(unformatted(each, where), where))]
    if question.id.endswith(".measures"):
        words = [f"{each}: {described[each]}" if described.get(each) else each for each in words]
    return Answer(_held(plain(text, where), where), tuple(words), gauge if question.asks is Asks.STEP else None)


def _measures(rows: list[dict[str, Any]]) -> dict[str, str]:
    """Return what the tool's measures say, by title."""
    found = {}
    for row in rows:
        title, content = row.get("title") or "", row.get("content") or ""
        if not isinstance(title, str) or not isinstance(content, str):
            raise _malformed("measures")
        if name := unformatted(title, "measures"):
            found[name] = plain(content, f"measure “{name[:40]}”")
    return found


def _held(text: str, where: str) -> str:
    if len(text) > TEXT_MAX:
        raise LimitError(
            f"The text at {where[:60]} is longer than {TEXT_MAX} characters. Shorten it.",
            f"{where[:60]} 处的文字超过 {TEXT_MAX} 字符，请缩短。",
        )
    return text


def _data(question: Question, answer: Answer) -> dict[str, Any]:
    if question.asks is Asks.LIST:
        return {"text": rich(answer.text) or None, "gauge": None, "list": list(answer.items)}
    words = "\n".join([answer.text, *answer.items]).strip()
    return {"text": rich(words) or None, "gauge": answer.gauge if question.asks is Asks.STEP else None, "list": []}


def _words(answer: Answer) -> str:
    return "\n".join([answer.text, *answer.items]).strip()


def _title(question: Question) -> str:
    return f"[{question.id}] {question.text.en}"


def _malformed(where: str) -> MalformedError:
    return MalformedError(
        f"This is no export of the PIA tool: {where} is not as it writes it. Export it again as JSON.",
        f"这不是 PIA 工具的导出文件：{where} 的格式不符。请重新导出为 JSON。",
    )
