"""A notice as a page shows it: served and on record, with a heading over each item in the reader's language."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from countenance.answer import Text
from countenance.operations.serve import serve
from countenance.pages.door import Visit
from countenance.pages.render import TAGS
from countenance.store import sites
from countenance.subjects.notices import Showing, text_of
from countenance.vocabulary import Language, Variant

#: The heading of each item of a notice, in the order in which they are read.
HEADINGS: Final[Mapping[str, Text]] = {
    "who": Text("Who asks", "谁在征询"),
    "contact": Text("How to reach them", "联系方式"),
    "purpose": Text("What for", "目的"),
    "method": Text("What is done", "处理方式"),
    "data": Text("Which data", "数据种类"),
    "retention": Text("For how long", "保存期限"),
    "storage": Text("Where it is kept", "存储位置"),
    "necessity": Text("Why faces", "必要性"),
    "effect": Text("What it means for you", "对您权益的影响"),
    "alternatives": Text("Without a face", "不使用人脸的方式"),
    "rights": Text("Your rights", "您的权利"),
    "withdrawal": Text("Taking a yes back", "撤回同意"),
    "complaints": Text("Complaints", "投诉"),
}


@dataclass(frozen=True, slots=True)
class ServedNotice:
    """A notice that was served just now: the id that an answer rests on, and the items under their headings."""

    id: UUID
    variant: Variant
    language: Language
    items: list[tuple[str, str]]
    has_plain: bool

    @property
    def tag(self) -> str:
        """Return the language as a browser is told it."""
        return TAGS[self.language.value]


async def serve_notice(visit: Visit, purpose: str, variant: Variant, language: Language | None = None) -> ServedNotice:
    """Serve the notice in force, in the visitor's language or in another; raises NotFoundError where there is none."""
    told = language or Language(visit.language)

    def act() -> ServedNotice:
        served = serve(visit.house, visit.caller, Showing(purpose=purpose, language=told, variant=variant))
        with visit.house.database.reading() as tx:
            (notice,) = sites.notices(tx, visit.caller.operator_id, purpose)
        plain = text_of(notice["text"], told.value, Variant.PLAIN_LANGUAGE.value)
        return ServedNotice(served.served.served_id, variant, told, titled(served.text, told), bool(plain))

    return await visit.work(act)


def titled(text: Mapping[str, str], language: Language) -> list[tuple[str, str]]:
    """Return the items of a notice under their headings; one of a name that is new here keeps its name."""
    known = [(getattr(heading, language.value), text[name]) for name, heading in HEADINGS.items() if name in text]
    return known + [(name, said) for name, said in text.items() if name not in HEADINGS]
