"""The messages of the exchange: one text for one message, a signature that holds for it alone, codes that are read."""

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.errors import CountenanceError, IntegrityError, LimitError, MalformedError
from countenance.filing import exchange
from countenance.filing.exchange import (
    ATTACHMENT_BYTES_MAX,
    ATTACHMENTS_BYTES_MAX,
    ATTACHMENTS_MAX,
    BODIES,
    FORMAT,
    Asked,
    Attachment,
    Collect,
    GroupKey,
    Kind,
    Message,
    Reply,
    attachment,
    fingerprint,
    message_of,
    opened,
    pairing_code,
    proof,
    read_code,
    sealed,
)
from countenance.log.notes import Note, Signer
from tests.operations.exchanging import NOW, Operator, persons

AUTHORITY = Signer("authority.example", bytes(32))
HOTEL = Signer("hotel.example", bytes([1]) * 32)
ODD = (*map(chr, range(0x20)), "\x7f", *map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A)))
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="".join(ODD)), min_size=1, max_size=80)
TEXT = TEXT.filter(lambda each: each.strip())
YEARS = datetime(2000, 1, 1), datetime(2099, 12, 31)  # noqa: DTZ001
DIGEST = hashlib.sha256(b"x").hexdigest()


def reply(text: str = "Yes.", **more) -> Message:
    return Message.of(
        Kind.ANSWER, "hotel.example", "authority.example", more.get("at", NOW), Reply(to=DIGEST, text=text),
        *more.get("files", ()),
    )  # fmt: skip


@given(
    text=TEXT, at=st.datetimes(*YEARS, timezones=st.just(UTC)), names=st.lists(st.text("abc文", min_size=1), max_size=4)
)
def test_what_is_sealed_is_opened_and_has_one_name(text, at, names):
    files = [attachment(each, "text/plain", each.encode()) for each in names]
    said = reply(text, at=at, files=files)
    note = sealed(said, HOTEL)
    found = opened(note, HOTEL.verifier, "authority.example")
    assert found == said
    assert found.says().text == text.strip()
    assert found.id == hashlib.sha256(Note.parse(note).text.encode()).hexdigest()
    assert sealed(said, HOTEL) == note


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_byte_can_be_changed(place, change):
    note = bytearray(sealed(reply(), HOTEL))
    note[place % len(note)] ^= change
    with pytest.raises(CountenanceError):
        opened(bytes(note), HOTEL.verifier, "authority.example")


def test_a_note_is_two_lines_that_anybody_can_read():
    text = Note.parse(sealed(reply(), HOTEL)).text
    head, line, rest = text.split("\n")
    assert (head, rest) == (FORMAT, "")
    said = json.loads(line)
    assert said == {
        "kind": "answer",
        "sender": "hotel.example",
        "recipient": "authority.example",
        "at": "2025-06-20T02:00:00Z",
        "body": {"to": DIGEST, "text": "Yes."},
        "attachments": [],
    }
    assert line == json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('{"at"', '{ "at"'),
        lambda text: text.replace("Yes.", "\\u0059es."),
        lambda text: text.replace("02:00:00Z", "02:00:00+00:00"),
        lambda text: text.replace("02:00:00Z", "02:00:00"),
        lambda text: text.replace('"attachments":[],', ""),
        lambda text: text.replace('"kind":"answer",', '"kind":"answer","more":1,'),
        lambda text: text.replace('"kind":"answer",', '"kind":"answer","kind":"answer",'),
        lambda text: text.replace(FORMAT, "countenance-filing/2"),
        lambda text: text.replace('"kind":"answer"', '"kind":"verdict"'),
        lambda text: text.removesuffix("\n") + " \n",
    ],
)
def test_a_message_is_written_in_one_way_alone(change):
    text = change(reply().as_text())
    assert text != reply().as_text()
    with pytest.raises(MalformedError):
        message_of(f"{text}\n{HOTEL.sign(text)}".encode())


def test_only_the_key_that_is_known_opens_it():
    note = sealed(reply(), HOTEL)
    other = Signer("hotel.example", bytes([2]) * 32)
    with pytest.raises(IntegrityError):
        opened(note, other.verifier, "authority.example")
    with pytest.raises(IntegrityError):
        opened(note, HOTEL.verifier, "other.example")
    forged = Message.of(Kind.ANSWER, "inn.example", "authority.example", NOW, Reply(to=DIGEST, text="No."))
    with pytest.raises(IntegrityError):
        opened(sealed(forged, HOTEL), HOTEL.verifier, "authority.example")


def test_a_body_fits_its_kind():
    wrong = reply().model_copy(update={"kind": Kind.COLLECT})
    with pytest.raises(MalformedError):
        wrong.says()
    assert set(BODIES) == set(Kind)
    assert Message.of(Kind.COLLECT, "a", "b", NOW, Collect(after=0)).says() == Collect(after=0)


@pytest.mark.parametrize(
    "name, media_type, size",
    [("a/b", "text/plain", 1), ("..\\x", "text/plain", 1), ("a\n", "text/plain", 1), ("", "text/plain", 1),
     ("a", "text", 1), ("a", "text/html; x", 1), ("a", "text/plain", -1),
     ("a", "text/plain", ATTACHMENT_BYTES_MAX + 1)],
)  # fmt: skip
def test_a_file_is_named_without_a_path_and_with_a_size(name, media_type, size):
    with pytest.raises(ValueError, match="validation error"):
        Attachment(name=name, media_type=media_type, size=size, sha256=DIGEST)


def test_what_is_too_long_is_not_sealed():
    with pytest.raises(LimitError):
        sealed(Message.of(Kind.STATEMENT, "a", "b", NOW, exchange.Statement(statement={"x": "y" * 70_000})), HOTEL)
    big = Attachment(name="a", media_type="a/b", size=ATTACHMENT_BYTES_MAX, sha256=DIGEST)
    many = ATTACHMENTS_BYTES_MAX // ATTACHMENT_BYTES_MAX
    assert sealed(reply(files=[big] * many), HOTEL)
    with pytest.raises(LimitError):
        sealed(reply(files=[big] * (many + 1)), HOTEL)
    small = attachment("a", "a/b", b"")
    with pytest.raises(MalformedError):
        reply(files=[small] * (ATTACHMENTS_MAX + 1))


def test_a_groups_key_is_not_shown():
    key = GroupKey(group="g", key_id="k", key="ab" * 32)
    said = Message.of(Kind.GROUP_KEY, "a", "b", NOW, key)
    assert "abab" not in repr(key) + repr(said)


@given(secret=st.binary(min_size=10, max_size=10), seed=st.binary(min_size=32, max_size=32))
def test_a_code_is_read_as_it_was_made(secret, seed):
    vkey = Signer("authority.example", seed).verifier.as_vkey()
    code = pairing_code(secret, vkey)
    assert len(code) == 39
    assert read_code(code) == (secret, fingerprint(vkey))
    told = code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert read_code(told) == (secret, fingerprint(vkey))


@pytest.mark.parametrize("code", ["", "0000", "U" * 32, "0" * 31, "0" * 33, "é" * 32])
def test_what_is_no_code_is_said_to_be_none(code):
    with pytest.raises(MalformedError):
        read_code(code)


def test_a_proof_is_for_two_keys_and_one_secret():
    ours, theirs, other = (Signer("x", bytes([each]) * 32).verifier.as_vkey() for each in (1, 2, 3))
    made = proof(b"secret", ours, theirs)
    assert made == proof(b"secret", ours, theirs)
    assert (
        len({made, proof(b"sEcret", ours, theirs), proof(b"secret", other, theirs), proof(b"secret", ours, other)}) == 4
    )


@given(st.integers(-(10**6), 10**6).map(lambda each: each / 10**4))
def test_a_coordinate_is_written_in_one_way(degrees):
    said = Message.of(Kind.STATEMENT, "a", "b", NOW, exchange.Statement(statement={"latitude": degrees}))
    assert message_of(sealed(said, Signer("a", bytes(32)))) == said


@pytest.mark.parametrize("odd", [*ODD, "\ud800"])
def test_what_not_everybody_reads_stands_nowhere(odd):
    around = f"a{odd}b"
    for build in (
        lambda: Message(kind=Kind.ANSWER, sender="a", recipient=around, at=NOW, body={}),
        lambda: Message(kind=Kind.ANSWER, sender=around, recipient="a", at=NOW, body={}),
        lambda: exchange.LogAddress(vkey=around, url="https://log.example/"),
        lambda: attachment(around, "a/b", b""),
    ):
        with pytest.raises(ValueError, match="validation error"):
            build()
    for said in ({"x": [{"y": around}]}, {around: 1}):
        body = {"statement": said}
        if odd in "\t\n":
            assert Message(kind=Kind.STATEMENT, sender="a", recipient="b", at=NOW, body=body).says().statement == said
        else:
            with pytest.raises(ValueError, match="validation error"):
                Message(kind=Kind.STATEMENT, sender="a", recipient="b", at=NOW, body=body)
    if odd in "\t\n":
        assert Reply(to=DIGEST, text=around).text == around
    else:
        with pytest.raises(ValueError, match="validation error"):
            Reply(to=DIGEST, text=around)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e400", "9007199254740993", "1e300", "9" * 400])
def test_a_number_is_one_that_everybody_reads(number):
    text = Message.of(Kind.STATEMENT, "a", "b", NOW, exchange.Statement(statement={"x": 1})).as_text()
    text = text.replace('"x":1', f'"x":{number}')
    with pytest.raises(MalformedError):
        message_of(f"{text}\n{HOTEL.sign(text)}".encode())
    with pytest.raises(ValueError, match="validation error"):
        Collect(after=2**53 + 1)


def test_a_nul_that_was_signed_is_malformed():
    text = reply().as_text().replace("Yes.", "Yes\\u0000")
    with pytest.raises(MalformedError):
        message_of(f"{text}\n{HOTEL.sign(text)}".encode())


def test_a_time_has_a_zone_and_is_of_this_century():
    for wrong in (datetime(2026, 1, 1), datetime(1999, 12, 31, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)):  # noqa: DTZ001
        with pytest.raises(MalformedError):
            reply(at=wrong)
    assert reply(at=NOW + timedelta(microseconds=1)).id != reply().id
    assert Asked(text="x").of is None
    assert Operator().vkey.startswith("hotel.example+")
    assert persons(3, 2).lower == 2
