"""The guided impact assessment of a purpose: every question with what answers it, the form to answer, the signature."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import Field
from starlette.responses import Response

from countenance.answer import Text
from countenance.errors import ConflictError, CountenanceError, MalformedError, NotFoundError
from countenance.filing.documents.answers import GAUGE_MAX, Answer, read_answer, read_answers
from countenance.filing.documents.dossier import Dossier
from countenance.filing.documents.prefill import PREFILLED
from countenance.filing.documents.questions import HEADS, QUESTIONS, Asks, Question
from countenance.filing.documents.scenario import PurposePart
from countenance.filing.documents.tree import said
from countenance.operations import assess
from countenance.operations.assess import Asking
from countenance.operations.dossier import Sources, gather
from countenance.pages.door import Page, Session, Visit
from countenance.reception.body import Form
from countenance.store import assessments
from countenance.vocabulary import Language

#: What a form can carry; a longer answer is written on the server's own machine.
ANSWER_CHARS_MAX: Final = 6000


class AnswerForm(Form):
    """The answer to one question: words, or a list with one entry on each line, and a step where one is asked for."""

    question: Annotated[str, Field(pattern=r"^[a-z_]{1,40}(\.[a-z_]{1,40})?$")]
    text: Annotated[str, Field(max_length=ANSWER_CHARS_MAX)] = ""
    gauge: Annotated[int, Field(ge=1, le=GAUGE_MAX)] | None = None


class SignForm(Form):
    """A signature says nothing but that it is given: whose it is, is known from the session."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with what answers it now: by a person, by the configuration, or by nobody yet."""

    question: Question
    by: str
    text: str
    gauge: int | None

    @property
    def id(self) -> str:
        """Return the question's id as a page can name it."""
        return self.question.id.replace(".", "-")


async def shown(visit: Visit) -> Response:
    """Show the questions of a purpose's assessment."""
    return await _shown(visit)


async def _shown(visit: Visit, wrong: CountenanceError | None = None) -> Response:
    code, sources = visit.request.path_params["code"], _sources(visit)
    operator_id, at, language = visit.caller.operator_id, visit.house.clock(), Language(visit.language)

    def act() -> dict[str, Any]:
        dossier = gather(sources, operator_id, _any_pack(visit), at)
        part = assess.purpose_of(dossier, code)
        with sources.database.reading() as tx:
            rows = assess.listed(tx, operator_id, code)
            signatures = assessments.signatures(tx, operator_id)
        answers = read_answers(rows[0].answers) if rows else {}
        draft = not rows or rows[0].signed_on is None
        signers = {
            row.assessment_id: [one for one in signatures if one.assessment_id == row.assessment_id] for row in rows
        }
        return {
            "purpose": part,
            "asked": [_asked(dossier, part, each, answers, language) for each in QUESTIONS],
            "rows": rows,
            "draft": draft,
            "signers": signers,
            "own": not draft and any(one.staff_id == visit.caller.staff_id for one in signers[rows[0].assessment_id]),
        }

    return visit.show(
        "filing_assessment.html",
        200 if wrong is None else 409,
        wrong=None if wrong is None else Text(wrong.en, wrong.zh),
        most=ANSWER_CHARS_MAX,
        steps=range(1, GAUGE_MAX + 1),
        heads=HEADS,
        **await visit.work(act),
    )


def _asked(
    dossier: Dossier, part: PurposePart, question: Question, answers: Mapping[str, Answer], language: Language
) -> Asked:
    given, bare = answers.get(question.id), PREFILLED.get(question.id)
    if given is not None and not given.configured:
        return Asked(question, "person", "\n".join([*([given.text] if given.text else []), *given.items]), given.gauge)
    found = bare(dossier, part) if bare is not None else None
    if found:
        return Asked(question, "configuration", said(found, language), None)
    return Asked(question, "nobody", "", None)


async def answered(visit: Visit) -> Response:
    """Write one answer into the draft; an empty one takes an earlier answer away."""
    form, code, sources = visit.form(AnswerForm), visit.request.path_params["code"], _sources(visit)
    question = next((each for each in QUESTIONS if each.id == form.question), None)
    if question is None:
        raise NotFoundError("There is no such question.", "没有该问题。")
    lines = form.text.split("\n") if question.asks is Asks.LIST else []
    text, gauge = "" if lines else form.text, form.gauge if question.asks is Asks.STEP else None
    given = read_answer({"text": text, "items": lines, "gauge": gauge})
    try:
        await visit.work(lambda: assess.answer(sources, _asking(visit, code), {question.id: given}))
    except (ConflictError, MalformedError) as error:
        return await _shown(visit, error)
    return visit.go(f"/console/filing/assessment/{code}#q-{question.id.replace('.', '-')}")


async def signed(visit: Visit) -> Response:
    """Sign as who is in session; whatever lacks an answer is named, and nothing is signed."""
    visit.form(SignForm)
    code, sources, staff_id = visit.request.path_params["code"], _sources(visit), visit.caller.staff_id
    try:
        await visit.work(lambda: assess.sign(sources, _asking(visit, code), _any_pack(visit), staff_id or ""))
    except ConflictError as error:
        return await _shown(visit, error)
    return visit.go(f"/console/filing/assessment/{code}")


def _asking(visit: Visit, code: str) -> Asking:
    return Asking(visit.caller.operator_id, code, visit.caller.named, visit.house.clock())


def _any_pack(visit: Visit) -> str:
    """Return a pack to gather by: what an assessment asks and what the configuration answers depends on none."""
    return min(visit.house.packs.names)


def _sources(visit: Visit) -> Sources:
    return Sources.of(visit.house, visit.behind.settings)


_AT: Final = "/console/filing/assessment/{code}"
PAGES = (
    Page(method="GET", path=_AT, endpoint=shown, who=Session.STAFF),
    Page(method="POST", path=_AT, endpoint=answered, who=Session.STAFF),
    Page(method="POST", path=f"{_AT}/sign", endpoint=signed, who=Session.STAFF),
)
