"""Analysing, reusing, disclosing, finalising, capturing: permitted, refused and on record."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from countenance.answer import Outcome
from countenance.errors import NotFoundError
from countenance.operations.analyse import Analysis, analyse
from countenance.operations.checks import may_capture, may_disclose, may_reuse
from countenance.operations.finalise import Review, finalise
from countenance.operations.keep_original import keep_original
from countenance.operations.parts import Analysed, NoAnalyser, NotAcquired, Permitted, Refused, Verified
from countenance.operations.remote import Passing, identify_remote
from countenance.operations.verify import Claim, verify
from countenance.sites.apply import apply
from countenance.sites.declaration import read_site
from countenance.store import authorisations
from countenance.vocabulary import Scope, StorageDestination
from tests import pictures
from tests.database import DEVICE, HOTEL, KIOSK, OFFICER, OPERATOR, PURPOSE, SESSION, Hotel
from tests.operations.governed import articles, authorised, bodies, keeping, officer, with_article

CONSENTED = """unless {
  context.consent.state == "given" && ["separate", "written"].contains(context.consent.form) &&
  context.consent.purpose == context.purpose.code && context.consent.notice_current &&
  context.consent.scopes.contains("SCOPE")
};"""


def declare(hotel: Hotel, before: str, after: str) -> None:
    text = HOTEL.read_text("utf-8")
    assert before in text
    with hotel.house.database.transaction() as tx:
        apply(tx, read_site(text.replace(before, after).encode()), hotel.clock())


def asked(attribute: str, **changes: object) -> Analysis:
    made = Analysis(attribute=attribute, purpose=PURPOSE, subject_ref=None, device_id=KIOSK, session=SESSION)
    return replace(made, **changes)  # type: ignore[arg-type]


def said(hotel: Hotel, attribute: str, picture: bytes) -> str:
    done = analyse(hotel.house, DEVICE, asked(attribute), picture)
    assert isinstance(done, Analysed), done
    return done.says


# Analyse.


def test_pose_and_quality_are_a_word_each(hotel: Hotel) -> None:
    assert said(hotel, "pose", pictures.admiral()) in {"frontal", "turned"}
    assert said(hotel, "quality", pictures.admiral()) == "enough"
    assert said(hotel, "quality", pictures.blurred()) == "blurred"
    assert said(hotel, "attack", pictures.admiral()) == "not_checked"
    body = bodies(hotel)[0]
    assert (body["kind"], body["outcome"]) == ("analyse", "analysed")
    assert body["facts"]["analysis"] == {"attribute": "attack", "sensitive": False}
    assert "subject" not in body


@pytest.mark.parametrize("attribute", ["pose", "quality", "attack"])
def test_nothing_is_said_about_nobody(hotel: Hotel, attribute: str) -> None:
    assert isinstance(analyse(hotel.house, DEVICE, asked(attribute), pictures.nobody()), NotAcquired)


def test_a_crowd_is_refused_at_gate_two(hotel: Hotel) -> None:
    answer = analyse(hotel.house, DEVICE, asked("pose"), pictures.two_faces())

    assert isinstance(answer, NotAcquired) or ("cn-2023-draft", "18") in articles(answer)


@pytest.mark.parametrize(
    "attribute", ["race", "ethnicity", "religion", "health", "social_class", "emotion", "age", "sex"]
)
def test_a_sensitive_attribute_is_refused_with_its_article(hotel: Hotel, attribute: str) -> None:
    hotel.consent("guest", Scope.VERIFY)

    answer = analyse(hotel.house, DEVICE, asked(attribute, subject_ref="guest"), pictures.admiral())

    assert ("cn-2023-draft", "11") in articles(answer)


def test_an_attribute_outside_the_table_is_not_known_to_be_harmless(hotel: Hotel) -> None:
    answer = analyse(hotel.house, DEVICE, asked("gait"), pictures.admiral())

    assert isinstance(answer, Refused)
    missing = [each for each in answer.findings if each.outcome is Outcome.MISSING]
    assert "analysis.sensitive" in missing[0].facts


def test_what_the_law_permits_and_nobody_built_is_said_and_recorded(hotel: Hotel) -> None:
    hotel.consent("guest", Scope.ANALYSE)

    answer = analyse(hotel.house, DEVICE, asked("emotion", subject_ref="guest"), b"not even a picture")

    assert isinstance(answer, NoAnalyser)
    assert bodies(hotel)[0]["outcome"] == "no_analyser"


def test_a_sensitive_analysis_under_an_authorisation_names_it(hotel: Hotel) -> None:
    hotel.consent("guest", Scope.VERIFY)
    hotel.consent("other", Scope.VERIFY)
    one = authorised(hotel, 1)
    assert ("cn-2023-draft", "11") in articles(
        analyse(hotel.house, DEVICE, asked("health", subject_ref="guest"), pictures.admiral())
    )
    two = authorised(hotel, 2)

    named = analyse(hotel.house, DEVICE, asked("health", subject_ref="guest"), pictures.admiral())
    stranger = analyse(hotel.house, DEVICE, asked("health", subject_ref="other"), pictures.admiral())
    nobody = analyse(hotel.house, DEVICE, asked("health"), pictures.admiral())

    assert isinstance(named, NoAnalyser)
    assert ("cn-2023-draft", "11") in articles(stranger)
    assert ("cn-2023-draft", "11") in articles(nobody)
    with hotel.house.database.transaction() as tx:
        assert [use["outcome"] for use in authorisations.uses(tx, OPERATOR, one, 9)] == ["refused"]
        assert [use["outcome"] for use in authorisations.uses(tx, OPERATOR, two, 9)] == [
            "refused", "refused", "no_analyser"
        ]  # fmt: skip


def test_one_that_names_nobody_covers_whoever_is_analysed(hotel: Hotel) -> None:
    authorised_for_all = hotel
    authorised_for_all.consent("guest", Scope.VERIFY)
    authorised(hotel, 2, subjects=())

    assert isinstance(analyse(hotel.house, DEVICE, asked("health", subject_ref="guest"), b"x"), NoAnalyser)


# Checks.

REUSE = 'forbid (principal, action == Action::"reuse", resource)\n' + (
    "when { context.purpose.code != context.origin_purpose.code }\n" + CONSENTED.replace("SCOPE", "reuse")
)
DISCLOSE = 'forbid (principal, action == Action::"disclose", resource)\n' + (
    'when { context.storage.destination == "internet" }\n' + CONSENTED.replace("SCOPE", "disclose")
)
SIGN = (
    'forbid (principal, action in [Action::"register_device", Action::"capture"], resource)\n'
    "when { context.place.public } unless { context.device.security_necessity };"
)


def second(hotel: Hotel) -> str:
    """Declare and activate a second purpose like the first."""
    from countenance.operations.activate import activate

    whole = HOTEL.read_text("utf-8")
    start, end = whole.index("  check-in:\n"), whole.index("venues:\n")
    declare(hotel, "venues:\n", whole[start:end].replace("check-in:", "breakfast:", 1) + "venues:\n")
    assert isinstance(activate(hotel.house, OFFICER, "breakfast"), Permitted)
    return "breakfast"


def test_data_serve_another_purpose_only_as_the_law_permits(hotel: Hotel) -> None:
    hotel = with_article(hotel, "4", REUSE)
    hotel.consent("guest")
    other = second(hotel)

    refused = may_reuse(hotel.house, OFFICER, subject_ref="guest", origin=PURPOSE, purpose=other)
    same = may_reuse(hotel.house, OFFICER, subject_ref="guest", origin=PURPOSE, purpose=PURPOSE)
    back = may_reuse(hotel.house, OFFICER, subject_ref="guest", origin=other, purpose=PURPOSE)

    assert ("trial", "4") in articles(refused), "consent was given for the first purpose alone"
    assert isinstance(same, Permitted)
    assert isinstance(back, Permitted)
    body = bodies(hotel)[0]
    assert (body["kind"], body["outcome"], body["details"]["origin"]) == ("reuse", "permitted", other)
    assert body["facts"]["origin_purpose"] == {"code": other, "public_security": False}


def test_an_origin_nobody_declared_is_refused(hotel: Hotel) -> None:
    hotel = with_article(hotel, "4", REUSE)
    hotel.consent("guest")

    answer = may_reuse(hotel.house, OFFICER, subject_ref="guest", origin="advertising", purpose=PURPOSE)

    assert (None, None) in articles(answer)
    assert "origin_purpose.code" in {fact for each in answer.findings for fact in each.facts}  # type: ignore[union-attr]


def test_disclosure_is_asked_by_destination(hotel: Hotel) -> None:
    hotel = with_article(hotel, "8", DISCLOSE)
    hotel.consent("guest", Scope.VERIFY)

    def ask(where: StorageDestination) -> object:
        return may_disclose(hotel.house, OFFICER, subject_ref="guest", purpose=PURPOSE, destination=where)

    assert ("trial", "8") in articles(ask(StorageDestination.INTERNET))
    assert isinstance(ask(StorageDestination.PRIVATE_NETWORK), Permitted)
    hotel.consent("guest", Scope.DISCLOSE)
    assert isinstance(ask(StorageDestination.INTERNET), Permitted)
    assert bodies(hotel)[0]["details"]["destination"] == "internet"


def test_a_device_asks_before_it_captures(hotel: Hotel) -> None:
    done = may_capture(hotel.house, DEVICE, purpose=PURPOSE, device_id=KIOSK)
    assert isinstance(done, Permitted)
    assert "discard-original" in {duty.duty for duty in done.permit.duties}
    assert {("cn-2023-draft", "6"), ("cn-2025", "13"), (None, None)} <= articles(
        may_capture(hotel.house, OFFICER, purpose=PURPOSE, device_id="room-camera")
    )
    assert (None, None) in articles(may_capture(hotel.house, OFFICER, purpose=PURPOSE, device_id=None))


def test_a_camera_in_public_without_necessity_may_not_capture(hotel: Hotel) -> None:
    hotel = with_article(hotel, "7", SIGN)
    declare(hotel, "        public: false\n        internal: false\n        devices:\n          kiosk-1",
            "        public: true\n        internal: false\n        devices:\n          kiosk-1")  # fmt: skip

    assert ("trial", "7") in articles(may_capture(hotel.house, DEVICE, purpose=PURPOSE, device_id=KIOSK))


# Finalise.

MAJOR = (
    'forbid (principal, action == Action::"finalise", resource)\n'
    "when { context.purpose.major_interest } unless { context.review.human };"
)


def decided(hotel: Hotel, by: object = DEVICE) -> UUID:
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())
    claim = Claim(subject_ref="guest", purpose=PURPOSE, device_id=KIOSK, session=SESSION)
    done = verify(hotel.house, by, claim, pictures.admiral_again())  # type: ignore[arg-type]
    assert isinstance(done, Verified)
    return done.recorded.record_id


def test_another_officer_makes_a_decision_final(hotel: Hotel) -> None:
    record_id = decided(hotel)

    done = finalise(hotel.house, officer(hotel), Review(record_id=record_id, human=True, decision="upheld"))

    assert isinstance(done, Permitted)
    final, match = bodies(hotel)[0], bodies(hotel)[1]
    assert (final["kind"], final["outcome"], final["details"]["decision"]) == ("finalise", "finalised", "upheld")
    assert final["details"]["reviewed"] == match["id"]
    assert final["subject"] == match["subject"], "whoever it is about finds it in their history"
    assert final["facts"]["review"] == {"human": True, "by_operator": False}


def test_whoever_ran_the_device_reviews_nothing(hotel: Hotel) -> None:
    record_id = decided(hotel, OFFICER)

    answer = finalise(hotel.house, OFFICER, Review(record_id=record_id, human=True, decision="upheld"))

    assert (None, None) in articles(answer)
    assert bodies(hotel)[0]["facts"]["review"]["by_operator"] is True


def test_in_a_matter_of_major_interest_a_person_looked_or_it_is_missing(hotel: Hotel) -> None:
    hotel = with_article(hotel, "12", MAJOR)
    record_id, reviewer = decided(hotel), officer(hotel)
    declare(hotel, "major_interest: false", "major_interest: true")

    def review(human: bool | None) -> object:
        return finalise(hotel.house, reviewer, Review(record_id=record_id, human=human, decision="overturned"))

    assert ("trial", "12") in articles(review(human=False))
    unknown = review(human=None)
    assert isinstance(unknown, Refused)
    assert {each.outcome for each in unknown.findings if each.pack == "trial"} == {Outcome.MISSING}
    assert isinstance(review(human=True), Permitted)


def test_only_a_decision_on_a_comparison_can_be_reviewed(hotel: Hotel) -> None:
    decided(hotel)
    ids = {body["kind"]: UUID(body["id"]) for body in bodies(hotel)}

    for record_id in (ids["consent"], ids["enrol"], uuid4()):
        with pytest.raises(NotFoundError):
            finalise(hotel.house, officer(hotel), Review(record_id=record_id, human=True, decision="upheld"))


# All of them.

ACTS: dict[str, Callable[[Hotel, str], object]] = {
    "analyse": lambda hotel, code: analyse(hotel.house, DEVICE, asked("pose", purpose=code), pictures.admiral()),
    "keep_original": lambda hotel, code: keep_original(
        hotel.house, DEVICE, keeping(hotel, purpose=code), pictures.admiral()
    ),
    "identify_remote": lambda hotel, code: identify_remote(
        hotel.house, DEVICE, Passing(purpose=code, device_id=KIOSK), pictures.admiral()
    ),
    "capture": lambda hotel, code: may_capture(hotel.house, DEVICE, purpose=code, device_id=KIOSK),
    "reuse": lambda hotel, code: may_reuse(hotel.house, OFFICER, subject_ref="guest", origin=PURPOSE, purpose=code),
    "disclose": lambda hotel, code: may_disclose(
        hotel.house, OFFICER, subject_ref="guest", purpose=code, destination=StorageDestination.LOCAL
    ),
}


@pytest.mark.parametrize("name", ACTS)
def test_a_purpose_that_is_inactive_or_unknown_serves_for_nothing(hotel: Hotel, name: str) -> None:
    declare(hotel, "venues:\n", "  breakfast: {title: {en: e, zh: z}}\n\nvenues:\n")

    for code in ("breakfast", "advertising"):
        answer = ACTS[name](hotel, code)
        assert isinstance(answer, Refused)
        assert "purpose.code" in {fact for each in answer.findings if each.pack is None for fact in each.facts}
        assert (bodies(hotel)[0]["kind"], bodies(hotel)[0]["outcome"]) == (name, "refused")
