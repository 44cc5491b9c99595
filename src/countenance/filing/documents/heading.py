"""What several documents begin with or repeat: the heading, what a notice says, the scenarios' mark of absence."""

from countenance.filing.documents.dossier import Dossier
from countenance.filing.documents.on_file import held, missing, notice_item
from countenance.filing.documents.scenario import PurposePart
from countenance.filing.documents.tree import Cell, Heading, Paragraph, Section
from countenance.filing.documents.words import instant
from countenance.vocabulary import Language, NoticeItem


def heading(dossier: Dossier) -> Heading:
    """Return what every document of a dossier says of itself."""
    editions = tuple((each.name, each.edition) for each in dossier.packs)
    return Heading(held("handler.name", dossier.handler.name), instant(dossier.made_at), editions)


def notice_says(purpose: PurposePart, item: NoticeItem) -> Cell:
    """Return what a purpose's newest notice says of an item, or the mark that nothing does."""
    if purpose.notice is None:
        return missing("purpose.notice", purpose.code)
    en, zh = (purpose.notice.items.get(language, {}).get(item) for language in (Language.EN, Language.ZH))
    return notice_item(item, en, zh, purpose.code)


def of_each(dossier: Dossier, sections: tuple[Section, ...]) -> tuple[Section, ...]:
    """Return the sections of the purposes, or one that says that no purpose is on file."""
    if dossier.purposes:
        return sections
    mark = missing("purposes")
    return (Section(mark.what, (Paragraph(mark),)),)
