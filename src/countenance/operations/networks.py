"""The networks of a dossier, from their cards alone: none is loaded to say what it is and how well it does."""

from countenance.engines import cards, thresholds
from countenance.engines.cards import Card, Role
from countenance.errors import UnavailableError
from countenance.filing.documents.dossier import ModelPart, OperatingPart
from countenance.settings import Settings
from countenance.vocabulary import Target


def networks(settings: Settings) -> tuple[tuple[ModelPart, ...], tuple[OperatingPart, ...]]:
    """Return the cards in use, and the thresholds of both targets with their error rates; none without a calibration.

    Raises MalformedError for a card that cannot be read.
    """
    detector = cards.load(settings.detector_card) if settings.detector_card else cards.builtin(Role.DETECTOR)
    extractor = cards.load(settings.extractor_card) if settings.extractor_card else cards.builtin(Role.EXTRACTOR)
    attack = (cards.load(settings.attack_card),) if settings.attack_card else ()
    models = tuple(_model(each) for each in (detector, extractor, *attack))
    targets = ((Target.VERIFY, settings.threshold_fmr), (Target.IDENTIFY, settings.identify_fmr))
    try:
        scores = thresholds(settings.detector_card, settings.extractor_card, [target for _, target in targets])
    except UnavailableError:
        return models, ()
    rows = extractor.calibration.rows if extractor.calibration else ()
    operating = []
    for (target, wanted), score in zip(targets, scores, strict=True):
        row = next(each for each in rows if each.score == score)
        operating.append(OperatingPart(target, wanted, row.score, row.fmr, row.fmr_upper, row.fnmr))
    return models, tuple(operating)


def _model(card: Card) -> ModelPart:
    calibration = card.calibration
    calibrated = None
    if calibration is not None:
        calibrated = f"{calibration.data_set}, {calibration.date}: {calibration.subjects} subjects"
    return ModelPart(
        role=card.role.value,
        id=card.id,
        version=card.version,
        sha256=card.sha256,
        licence=card.licence,
        origin=card.origin,
        weaknesses=card.weaknesses,
        calibrated=calibrated,
    )
