"""Package: the documents of a filing for one operator, as they stand now; nothing is changed by making them."""

from collections.abc import Iterable
from datetime import datetime

from countenance.filing.documents import package as made
from countenance.filing.documents.dossier import Dossier
from countenance.filing.documents.package import Enclosure
from countenance.filing.documents.pia import export_pia
from countenance.filing.documents.scenario import PurposePart
from countenance.operations.dossier import Sources, gather
from countenance.vocabulary import FilingKind, Language


def package(
    sources: Sources,
    operator_id: str,
    pack: str,
    act: FilingKind,
    at: datetime,
    languages: Iterable[Language] = tuple(Language),
) -> bytes:
    """Return the archive of an act of filing, with the guided assessments as files of the PIA tool beside it.

    Raises NotFoundError for an operator or a pack that is not there.
    """
    dossier = gather(sources, operator_id, pack, at)
    exported = [pia_file(dossier, each) for each in dossier.purposes if act is not FilingKind.DEREGISTRATION]
    return made.package(dossier, act, languages, exported)


def document(
    sources: Sources, operator_id: str, pack: str, at: datetime, name: str, *, language: Language, ending: str
) -> Enclosure:
    """Return one document by its name, as docx, html or json; raises NotFoundError for what is not there."""
    dossier = gather(sources, operator_id, pack, at)
    return made.render(made.single(dossier, name), language, ending)


def pia_file(dossier: Dossier, purpose: PurposePart) -> Enclosure:
    """Return what a person answered about a purpose, as a file that the PIA tool imports."""
    answers = {} if purpose.report is None else purpose.report.answers
    name = f"{purpose.title.en} ({purpose.code})"
    content = export_pia(name, dossier.handler.name or "", answers, dossier.made_at)
    return Enclosure(f"pia/assessment-{purpose.code}.json", "application/json", content)
