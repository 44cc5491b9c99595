"""The impact assessment of one purpose: the guided questions with their answers, under the heads of each act."""

from typing import Final

from countenance.answer import Text
from countenance.filing.documents.answers import Answer
from countenance.filing.documents.dossier import Dossier
from countenance.filing.documents.heading import heading
from countenance.filing.documents.on_file import held, missing, standing
from countenance.filing.documents.prefill import PREFILLED
from countenance.filing.documents.protection import models, operating
from countenance.filing.documents.questions import HEADS, QUESTIONS, Asks, Question
from countenance.filing.documents.scenario import PurposePart, ReportPart
from countenance.filing.documents.tree import Block, Cell, Document, Fields, Grid, Missing, Paragraph, Section
from countenance.filing.documents.words import NONE, instant, word, yes

_REMEDY: Final = Text("Answer it: countenance filing assessment answer", "请答复：countenance filing assessment answer")
_STEPS: Final = (
    Text("1 negligible", "1 可忽略"),
    Text("2 limited", "2 有限"),
    Text("3 significant", "3 显著"),
    Text("4 maximal", "4 极高"),
)
_TITLES: Final = {
    "cn-2025": Text("Heads of the measures, article 9", "《办法》第九条的评估事项"),
    "cn-2023-draft": Text("Heads of the draft, article 15", "征求意见稿第十五条的评估事项"),
}


def assessment(dossier: Dossier, purpose: PurposePart) -> Document:
    """Return the impact assessment of a purpose: what the configuration says, what a person answered, what lacks."""
    sections = [
        Section(Text("What is assessed", "评估对象"), (Fields(_about(dossier, purpose)),)),
        Section(Text("Volume and places", "规模与场所"), (_volume(dossier),)),
        Section(Text("Questions and answers", "问题与答复"), (), tuple(_asked(dossier, purpose))),
        Section(Text("Accuracy and error rates", "准确性与误差率"), (*models(dossier), operating(dossier))),
        *(_heads(pack, title) for pack, title in _TITLES.items()),
        Section(Text("Signatures", "签名"), (*_signatures(purpose), Paragraph(missing("hand.signature")))),
    ]
    title = Text(f"Impact assessment: {purpose.title.en}", f"个人信息保护影响评估报告：{purpose.title.zh}")
    return Document(f"assessment-{purpose.code}", title, heading(dossier), tuple(sections))


def _about(dossier: Dossier, purpose: PurposePart) -> tuple[tuple[Text, Cell], ...]:
    of, report, today = purpose.code, purpose.report, dossier.today
    shown: list[tuple[Text, Cell]] = [
        (Text("Purpose", "目的"), of),
        (
            Text("SHA-256 of the configuration in use", "现行配置 SHA-256"),
            held("purpose.configuration", purpose.configuration, of),
        ),
        (Text("Assessment that the law is asked with", "用于规则判定的评估"), word(purpose.assessment)),
        (Text("Signed by", "签署人"), held("purpose.assessment_signed_by", purpose.assessment_signed_by, of)),
        (Text("Signed on", "签署日期"), held("purpose.assessed_on", purpose.assessed_on, of)),
        (
            Text("Stands until", "有效期至"),
            standing("purpose.assessment_expires_on", purpose.assessment_expires_on, today, of),
        ),
    ]
    if report is None:
        shown.append((Text("Guided assessment", "引导评估"), missing("purpose.report", of)))
    else:
        shown += [
            (Text("Guided assessment", "引导评估"), report.id),
            (Text("SHA-256 of the configuration it is about", "其所针对配置的 SHA-256"), report.configuration),
            (Text("It covers the configuration in use", "涵盖现行配置"), yes(report.current)),
            (Text("It stands until", "报告有效期至"), standing("report.valid_until", report.valid_until, today, of)),
            (Text("It is kept until", "报告保存至"), held("report.keep_until", report.keep_until, of)),
        ]
    return tuple(shown)


def _volume(dossier: Dossier) -> Block:
    numbers = dossier.numbers
    venues = "; ".join(each.name for each in dossier.venues)
    return Fields(
        (
            (
                Text("Persons stored, lower and upper bound", "存储人数（下限与上限）"),
                f"{numbers.lower} – {numbers.upper}",
            ),
            (Text("Venues", "场所"), venues or missing("venues")),
            (Text("Devices", "设备数"), str(len(dossier.devices))),
            (Text("Of these in public places", "其中位于公共场所"), str(numbers.public_devices)),
        )
    )


def _asked(dossier: Dossier, purpose: PurposePart) -> list[Section]:
    """Return each question with its answer; the conclusion last, whoever else comes before it."""
    return [_section(dossier, purpose, each, place) for place, each in enumerate(QUESTIONS, 1)]


def _section(dossier: Dossier, purpose: PurposePart, question: Question, place: int) -> Section:
    words, source = answered(dossier, purpose, question)
    title = Text(f"{place}. {question.text.en}", f"{place}. {question.text.zh}")
    return Section(title, (Paragraph(words), *((Paragraph(source),) if source else ())))


_BY_CONFIGURATION: Final = Text("(From the configuration.)", "（依配置自动填写。）")
_WHEN_SIGNED: Final = Text("(From the configuration, when it was signed.)", "（依签署时的配置自动填写。）")


def answered(dossier: Dossier, purpose: PurposePart, question: Question) -> tuple[Cell, Text | None]:
    """Return the answer to a question and where it comes from: a person, else the configuration, else nobody."""
    report = purpose.report
    given = report.answers.get(question.id) if report is not None else None
    if given is not None and not given.empty:
        if given.configured:
            return Text(given.text, given.zh or given.text), _WHEN_SIGNED
        return _words(question, given), None
    prefilled = PREFILLED.get(question.id)
    found = prefilled(dossier, purpose) if prefilled is not None else None
    if found:
        return found, _BY_CONFIGURATION
    what = Text(f"{question.text.en} ({purpose.code})", f"{question.text.zh}（{purpose.code}）")
    return Missing(f"question.{question.id}:{purpose.code}", what, _REMEDY), None


def _words(question: Question, answer: Answer) -> Cell:
    """Return an answer; a question that asks for a step is not answered by words alone."""
    words = "\n".join([*([answer.text] if answer.text else []), *(f"· {each}" for each in answer.items)])
    if question.asks is not Asks.STEP:
        return words
    step = NONE if answer.gauge is None else _STEPS[answer.gauge - 1]
    return Text(f"{step.en}\n{words}".strip(), f"{step.zh}\n{words}".strip())


def _heads(pack: str, title: Text) -> Section:
    """Return which questions answer each head of an act."""
    header = (Text("Head", "事项"), Text("Answered by the questions", "对应问题"))
    rows = tuple(
        (head.text, ", ".join(str(place) for place, each in enumerate(QUESTIONS, 1) if key in each.heads))
        for key, head in HEADS.items()
        if head.pack == pack
    )
    return Section(title, (Grid(title, header, rows),))


def _signatures(purpose: PurposePart) -> tuple[Block, ...]:
    report: ReportPart | None = purpose.report
    if report is None or not report.signatures:
        return (Paragraph(missing("report.signatures", purpose.code)),)
    header = (Text("Member of staff", "人员代码"), Text("Signed at", "签署时间"))
    rows = tuple((each.staff_id, instant(each.at)) for each in report.signatures)
    return (Grid(Text("Signed under the guided assessment", "引导评估签名"), header, rows),)
