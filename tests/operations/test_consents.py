"""Notices served, and decisions that rest on them: of which purpose, where, when, by whom, or on paper."""

import threading
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from countenance.errors import ConflictError, CountenanceError, MalformedError, NotAllowedError, NotFoundError
from countenance.law.strict_yaml import read_yaml
from countenance.operations.consent import consent
from countenance.operations.erase import erase
from countenance.operations.parts import Caller, Refused
from countenance.operations.serve import serve
from countenance.operations.verify import Claim, verify
from countenance.sites.declaration import Site
from countenance.store import sites, subjects
from countenance.subjects.consents import Paper
from countenance.subjects.notices import Showing
from countenance.vocabulary import (
    ConsentForm,
    ConsentState,
    Language,
    NoticeItem,
    Variant,
)
from tests import pictures
from tests.database import (
    DEVICE,
    HOTEL,
    KIOSK,
    OFFICER,
    OPERATOR,
    PURPOSE,
    SESSION,
    Hotel,
)
from tests.operations.saying import OTHERS, SHEET, declared, entries, event, facts, publish, republish, said

# Serving.


@pytest.mark.parametrize("variant", list(Variant))
@pytest.mark.parametrize("language", list(Language))
def test_a_notice_is_served_whole_in_each_language_and_variant(
    hotel: Hotel, language: Language, variant: Variant
) -> None:
    done = serve(hotel.house, DEVICE, Showing(purpose=PURPOSE, language=language, variant=variant))

    with hotel.house.database.transaction() as tx:
        (notice,) = sites.notices(tx, OPERATOR)
    items = notice["text"][language]
    assert dict(done.text) == {
        item.value: (items["plain"] if variant is Variant.PLAIN_LANGUAGE else items)[item] for item in NoticeItem
    }
    assert list(done.text) == list(NoticeItem), "in the order in which it is read"
    assert (done.served.version, done.served.device_id, done.served.at) == (1, KIOSK, hotel.clock())
    (entry,) = entries(hotel, "notice")
    assert entry["outcome"] == "served"
    assert "subject" not in entry
    assert entry["details"] == {
        "served": str(done.served.served_id),
        "purpose": PURPOSE,
        "version": 1,
        "language": language,
        "variant": variant,
        "device": KIOSK,
    }


def test_only_the_notice_in_force_is_served(hotel: Hotel) -> None:
    republish(hotel)

    assert serve(hotel.house, DEVICE, Showing(purpose=PURPOSE, language=Language.EN)).served.version == 2
    assert serve(hotel.house, DEVICE, Showing(purpose=PURPOSE, language=Language.EN, version=2)).served.version == 2
    for version in (1, 3):
        with pytest.raises(ConflictError):
            hotel.serve(version=version)
    with pytest.raises(NotFoundError):
        hotel.serve(purpose="no-such-purpose")
    assert len(entries(hotel, "notice")) == 2, "what was not served is not on record as served"


def test_there_is_no_plain_language_where_nobody_wrote_it(hotel: Hotel) -> None:
    document = read_yaml(HOTEL.read_text("utf-8"), "the site file")
    del document["purposes"]["check-in"]["notice"]["en"]["plain"]
    publish(hotel, Site.model_validate(document))

    with pytest.raises(NotFoundError):
        hotel.serve(variant=Variant.PLAIN_LANGUAGE)
    assert hotel.serve(variant=Variant.PLAIN_LANGUAGE, language=Language.ZH)


# What a decision rests on.


@pytest.mark.parametrize("decision", ["given", "refused"])
def test_no_choice_comes_before_a_notice(hotel: Hotel, decision: str) -> None:
    for wrong in (said(None, decision=decision), said(hotel.serve(), decision=decision, paper=SHEET)):
        with pytest.raises(MalformedError):
            consent(hotel.house, DEVICE, wrong)
    with pytest.raises(NotFoundError):
        consent(hotel.house, DEVICE, said(uuid4(), decision=decision))
    with hotel.house.database.transaction() as tx:
        assert subjects.find(tx, OPERATOR, "guest") is None


def test_the_version_follows_from_what_was_served(hotel: Hotel) -> None:
    served = hotel.serve(language=Language.ZH, variant=Variant.READ_ALOUD)
    done = consent(hotel.house, DEVICE, said(served))

    assert (event(hotel, done.consent_id).served_id, event(hotel, done.consent_id).notice_version) == (served, 1)
    (entry,) = entries(hotel, "consent")
    assert (entry["details"]["served"], entry["details"]["notice_version"]) == (str(served), 1)


def test_a_notice_of_another_purpose_does_not_do(hotel: Hotel) -> None:
    publish(hotel, declared())

    with pytest.raises(ConflictError):
        consent(hotel.house, DEVICE, said(hotel.serve(purpose="spa")))
    assert consent(hotel.house, DEVICE, said(hotel.serve(purpose="spa"), purpose="spa"))


@pytest.mark.parametrize("other", OTHERS)
def test_a_notice_served_elsewhere_does_not_do(hotel: Hotel, other: Caller) -> None:
    with pytest.raises(ConflictError):
        consent(hotel.house, other, said(hotel.serve()))
    with pytest.raises(ConflictError):
        consent(hotel.house, DEVICE, said(hotel.serve(other)))


def test_a_device_with_a_new_credential_is_the_same_device_and_another_officer_is_not_the_same(hotel: Hotel) -> None:
    assert consent(hotel.house, replace(DEVICE, credential_id="kioskkiosk33"), said(hotel.serve()))
    assert consent(hotel.house, OFFICER, said(hotel.serve(OFFICER)))
    with pytest.raises(ConflictError):
        consent(hotel.house, replace(OFFICER, credential_id="officer22222"), said(hotel.serve(OFFICER)))


def test_another_operators_notice_is_no_different_from_none(hotel: Hotel) -> None:
    hotel.keys.create("second-hotel")
    document = read_yaml(HOTEL.read_text("utf-8").replace(OPERATOR, "second-hotel"), "the site file")
    publish(hotel, Site.model_validate(document))
    second = replace(DEVICE, operator_id="second-hotel")

    with pytest.raises(NotFoundError):
        consent(hotel.house, second, said(hotel.serve()))
    with pytest.raises(NotFoundError):
        consent(hotel.house, DEVICE, said(hotel.serve(second)))
    assert consent(hotel.house, second, said(hotel.serve(second)))


def test_a_notice_that_was_served_is_answered_by_one_person(hotel: Hotel) -> None:
    served = hotel.serve()
    consent(hotel.house, DEVICE, said(served, decision="refused"))
    consent(hotel.house, DEVICE, said(served))  # the same person, who thinks again

    for other in ("another", None):
        with pytest.raises(ConflictError):
            consent(hotel.house, DEVICE, said(served, other))
    served = hotel.serve()
    consent(hotel.house, DEVICE, said(served, None))
    for again in ("guest", None):
        with pytest.raises(ConflictError):
            consent(hotel.house, DEVICE, said(served, again))
    assert [facts(hotel, ref).state for ref in ("guest", "another")] == [ConsentState.GIVEN, ConsentState.NONE]


def test_an_erased_person_has_answered_all_the_same(hotel: Hotel) -> None:
    served = hotel.serve()
    consent(hotel.house, DEVICE, said(served))
    erase(hotel.house, OFFICER, "guest")

    with pytest.raises(ConflictError):
        consent(hotel.house, DEVICE, said(served, "another"))


def test_of_two_people_at_the_same_moment_one_has_answered(hotel: Hotel) -> None:
    served, outcomes = hotel.serve(), list[str]()
    start = threading.Barrier(2)

    def answer(ref: str) -> None:
        start.wait()
        try:
            consent(hotel.house, DEVICE, said(served, ref))
            outcomes.append("taken")
        except CountenanceError as error:
            outcomes.append(type(error).__name__)

    both = [threading.Thread(target=answer, args=(ref,)) for ref in ("one", "two")]
    for each in both:
        each.start()
    for each in both:
        each.join()

    assert sorted(outcomes) == ["ConflictError", "taken"]


def test_what_was_served_holds_for_an_hour(hotel: Hotel) -> None:
    served, old = hotel.serve(), hotel.serve()
    hotel.clock.forward(minutes=60)
    consent(hotel.house, DEVICE, said(served))
    hotel.clock.forward(seconds=1)
    with pytest.raises(ConflictError):
        consent(hotel.house, DEVICE, said(old))
    with pytest.raises(ConflictError):
        consent(hotel.with_house(notice_served_minutes_max=1).house, DEVICE, said(served))

    served = hotel.serve()
    hotel.clock.forward(minutes=-10)
    with pytest.raises(ConflictError):  # not before it was served, either
        consent(hotel.house, DEVICE, said(served))


def test_a_version_published_between_serving_and_answering_leaves_a_consent_that_permits_nothing(hotel: Hotel) -> None:
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())
    claim = Claim(subject_ref="guest", purpose=PURPOSE, device_id=KIOSK, session=SESSION)
    served = hotel.serve()
    republish(hotel)

    done = consent(hotel.house, DEVICE, said(served))
    assert event(hotel, done.consent_id).notice_version == 1
    assert (facts(hotel).state, facts(hotel).notice_current) == (ConsentState.GIVEN, False)
    answer = verify(hotel.house, DEVICE, claim, pictures.admiral_again())
    assert isinstance(answer, Refused)
    assert {("cn-2023-draft", "5"), ("cn-2025", "6")} <= {(each.pack, each.article) for each in answer.findings}

    consent(hotel.house, DEVICE, said(hotel.serve()))
    assert facts(hotel).notice_current is True


@pytest.mark.parametrize(
    "wrong",
    [{"form": ConsentForm.BUNDLED}, {"form": None}, {"scopes": ()}, {"form": ConsentForm.BUNDLED, "scopes": ()}],
)
def test_a_bundle_is_no_consent(hotel: Hotel, wrong: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        consent(hotel.house, DEVICE, said(hotel.serve(), **wrong))
    assert facts(hotel).state is ConsentState.NONE


# Paper.


def test_an_officer_enters_a_sheet_of_paper(hotel: Hotel) -> None:
    done = consent(hotel.house, OFFICER, said(None, paper=Paper(1, b"\x01" * 32), form=ConsentForm.WRITTEN))

    written = event(hotel, done.consent_id)
    assert (written.served_id, written.notice_version, written.evidence_digest) == (None, 1, b"\x01" * 32)
    assert facts(hotel).form is ConsentForm.WRITTEN
    (entry,) = entries(hotel, "consent")
    assert (entry["details"]["paper"], entry["details"]["served"]) == (True, None)


@pytest.mark.parametrize(
    ("caller", "changes", "error"),
    [
        (DEVICE, {"paper": SHEET, "form": ConsentForm.WRITTEN}, NotAllowedError),
        (OFFICER, {"paper": SHEET, "form": ConsentForm.SEPARATE}, MalformedError),
        (OFFICER, {"paper": Paper(2, bytes(32)), "form": ConsentForm.WRITTEN}, NotFoundError),
        (OFFICER, {"paper": Paper(0, bytes(32)), "form": ConsentForm.WRITTEN}, NotFoundError),
        (OFFICER, {"paper": Paper(1, bytes(31)), "form": ConsentForm.WRITTEN}, MalformedError),
        (OFFICER, {"paper": SHEET, "form": ConsentForm.WRITTEN, "purpose": "unknown"}, NotFoundError),
    ],
)
def test_paper_that_proves_nothing_is_refused(
    hotel: Hotel, caller: Caller, changes: dict[str, Any], error: type[CountenanceError]
) -> None:
    with pytest.raises(error):
        consent(hotel.house, caller, said(None, **changes))
    assert facts(hotel).state is ConsentState.NONE


def test_a_sheet_of_an_earlier_notice_is_written_down_and_permits_nothing(hotel: Hotel) -> None:
    republish(hotel)
    consent(hotel.house, OFFICER, said(None, paper=SHEET, form=ConsentForm.WRITTEN))

    assert facts(hotel).notice_current is False
