"""A policy is read as C2SP tlog-policy says, and a quorum is what its groups make of it."""

import re

import pytest

from countenance.errors import IntegrityError, MalformedError, NotFoundError
from countenance.log.notes import Checkpoint, Note, SignatureKind, Signer, signed
from countenance.log.policy import LINES_MAX, POLICY_BYTES_MAX, Policy

LOG = Signer("example.com/behind-the-sofa", bytes(32))
TEXT = Checkpoint(LOG.verifier.name, 3, bytes(range(32))).as_text()


def cosigner(number: int, name: str = "witness.example/w") -> Signer:
    return Signer(f"{name}{number}", number.to_bytes(32), SignatureKind.COSIGNATURE)


def witness(name: str, number: int) -> str:
    return f"witness {name} {cosigner(number).verifier.as_vkey()}"


def read(*lines: str) -> Policy:
    return Policy.parse("".join(f"{line}\n" for line in lines).encode())


def cosigned(*numbers: int) -> Note:
    lines = "".join(cosigner(number).sign(TEXT, 1_750_000_000) for number in numbers)
    return Note.parse(f"{TEXT}\n{LOG.sign(TEXT)}{lines}".encode())


#: The specification's example, with keys where it leaves them out.
EXAMPLE = """log <vkey>

witness X1 <vkey>
witness X2 <vkey>
witness X3 <vkey>
group X-witnesses 2 X1 X2 X3

witness Y1 <vkey>
witness Y2 <vkey>
witness Y3 <vkey>
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


def example() -> Policy:
    keys = iter([LOG.verifier.as_vkey(), *(cosigner(number).verifier.as_vkey() for number in range(1, 7))])
    return Policy.parse(re.sub("<vkey>", lambda _: next(keys), EXAMPLE).encode())


def test_the_example_of_the_specification_means_what_it_says():
    policy = example()
    assert [each.name for each in policy.witnesses] == ["X1", "X2", "X3", "Y1", "Y2", "Y3"]
    assert [each.verifier for each in policy.logs] == [LOG.verifier]
    for numbers, met in {(1, 2, 4): True, (1, 3, 6): True, (1, 2, 3): False, (1, 4, 5, 6): False, (): False}.items():
        assert policy.met_by(cosigned(*numbers)) is met, numbers
    assert policy.met_by(cosigned(1, 2, 4, 99))  # a witness that nobody knows is passed over


def test_a_cosignature_twice_is_one_and_a_wrong_one_spoils_the_note():
    policy = read(witness("a", 1), witness("b", 2), "group both 2 a b", "quorum both")
    assert not policy.met_by(cosigned(1, 1))
    assert policy.met_by(cosigned(1, 2))
    other = TEXT.replace("\n3\n", "\n4\n")
    wrong = f"{TEXT}\n{cosigner(1).sign(TEXT, 5)}{cosigner(2).sign(TEXT, 5)}{cosigner(2).sign(other, 5)}"
    assert not policy.met_by(Note.parse(wrong.encode()))


def test_a_signature_of_another_kind_by_the_same_key_is_no_cosignature():
    plain = Signer("witness.example/w1", (1).to_bytes(32))
    note = Note.parse(f"{TEXT}\n{plain.sign(TEXT)}".encode())
    assert not read(witness("a", 1), "quorum a").met_by(note)


def test_none_needs_nobody_and_one_witness_may_be_the_quorum():
    assert read("quorum none").met_by(cosigned())
    assert read(witness("a", 1), "quorum a").met_by(cosigned(1))
    assert not read(witness("a", 1), "quorum a").met_by(cosigned(2))


def test_whitespace_comments_and_octets_beyond_ascii_are_let_through():
    key = cosigner(1).verifier.as_vkey().encode()
    policy = Policy.parse(
        b"\t # a comment \xff\xfe\n\n \t\n"
        b"\twitness \t \xff\x80 " + key + b"  https://\xe2\x84\xaa.example/\t\n"
        b" witness \xe2\x84\xaa " + cosigner(2).verifier.as_vkey().encode() + b"\n"
        b"witness K " + cosigner(3).verifier.as_vkey().encode() + b"\n"
        b"log " + LOG.verifier.as_vkey().encode() + b" https://hotel.example/log#1\n"
        b"group all any \xff\x80 K\n"
        b"quorum all\n"
    )
    names = [each.name.encode("utf-8", "surrogateescape") for each in policy.witnesses]
    assert names == [b"\xff\x80", b"\xe2\x84\xaa", b"K"]
    assert policy.witnesses[0].url == "https://\u212a.example/"
    assert policy.logs[0].url == "https://hotel.example/log#1"
    assert policy.met_by(cosigned(3))
    assert not policy.met_by(cosigned(2))


def test_a_log_may_have_several_keys():
    second = Signer(LOG.verifier.name, bytes([9]) * 32)
    policy = read(f"log {LOG.verifier.as_vkey()}", f"log {second.verifier.as_vkey()}", "quorum none")
    assert policy.keys_of(LOG.verifier.name) == (LOG.verifier, second.verifier)
    assert policy.keys_of("example.com/other") == ()


def test_a_checkpoint_is_opened_by_the_key_of_its_own_log():
    policy = read(f"log {LOG.verifier.as_vkey()}", "quorum none")
    checkpoint = Checkpoint(LOG.verifier.name, 3, bytes(32))
    assert policy.opened(signed(checkpoint, LOG))[0] == checkpoint
    with pytest.raises(IntegrityError):
        policy.opened(signed(checkpoint, Signer(LOG.verifier.name, bytes([1]) * 32)))
    with pytest.raises(NotFoundError):
        policy.opened(signed(Checkpoint("example.com/x", 3, bytes(32)), LOG))


VKEY = cosigner(1).verifier.as_vkey()
LOG_KEY = LOG.verifier.as_vkey()
WRONG = {
    "no quorum": ["# nothing"],
    "two quorums": ["quorum none", "quorum none"],
    "an undefined quorum": ["quorum a"],
    "a quorum before its witness": ["quorum a", witness("a", 1)],
    "a quorum of two": [witness("a", 1), witness("b", 2), "quorum a b"],
    "an unknown line": ["wibble", "quorum none"],
    "a keyword in capitals": [f"LOG {LOG_KEY}", "quorum none"],
    "a log without key": ["log", "quorum none"],
    "a log with too much": [f"log {LOG_KEY} https://x https://y", "quorum none"],
    "a log with a witness's key": [f"log {VKEY}", "quorum none"],
    "a witness with a log's key": [f"witness a {LOG_KEY}", "quorum none"],
    "a comment behind a line": [f"witness a {VKEY} https://x # mine", "quorum none"],
    "the key of a log twice": [
        f"log {LOG_KEY}",
        f"log {Signer('example.com/other', bytes(32)).verifier.as_vkey()}",
        "quorum none",
    ],
    "the key of a witness twice": [
        witness("a", 1),
        f"witness b {cosigner(1, 'other.example/w').verifier.as_vkey()}",
        "quorum none",
    ],
    "a name twice": [witness("a", 1), witness("a", 2), "quorum none"],
    "a group named like a witness": [witness("a", 1), "group a any a", "quorum none"],
    "a witness named none": [witness("none", 1), "quorum none"],
    "a group named none": [witness("a", 1), "group none any a", "quorum none"],
    "none in a group": [witness("a", 1), "group g any none", "quorum none"],
    "a group without members": ["group g all", "quorum none"],
    "a group of itself": [witness("a", 1), "group g any a g", "quorum none"],
    "a group before its member": ["group g any a", witness("a", 1), "quorum none"],
    "a member twice": [witness("a", 1), "group g 2 a a", "quorum g"],
    "a member of two groups": [witness("a", 1), "group g any a", "group h any a", "quorum h"],
    "0 of 1": [witness("a", 1), "group g 0 a", "quorum g"],
    "2 of 1": [witness("a", 1), "group g 2 a", "quorum g"],
    "-1 of 1": [witness("a", 1), "group g -1 a", "quorum g"],
    "+1 of 1": [witness("a", 1), "group g +1 a", "quorum g"],
    "01 of 1": [witness("a", 1), "group g 01 a", "quorum g"],
    "a huge number": [witness("a", 1), f"group g {'9' * 5000} a", "quorum g"],
    "another number": [witness("a", 1), "group g ١ a", "quorum g"],
    "a damaged key": [f"witness a {VKEY[:-5]}AAAA=", "quorum none"],
    "another identifier": [f"witness a {re.sub('[+][0-9a-f]{8}[+]', '+00000000+', VKEY)}", "quorum none"],
    "a key with a space of Unicode": [f"witness a {VKEY}\u00a0", "quorum none"],
    "a key of ML-DSA": ["witness a w+01020304+" + "Bg" + "A" * 42, "quorum none"],
    "a control character": ["quorum none", "# \x00"],
    "a carriage return": ["quorum none\r"],
    "DEL": ["quorum none", "# \x7f"],
    "too many": [*(witness(f"w{number}", number + 1) for number in range(LINES_MAX + 1)), "quorum none"],
    "a long line": ["#" * 9000, "quorum none"],
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_policy_is_refused_in_both_languages(name):
    with pytest.raises(MalformedError) as raised:
        read(*WRONG[name])
    assert raised.value.en.isascii() or "…" in raised.value.en
    assert re.search("[\u4e00-\u9fff]", raised.value.zh)


def test_the_number_of_the_line_is_named():
    with pytest.raises(MalformedError, match="Line 3 "):
        read("", "quorum none", "quorum none")


@pytest.mark.parametrize("encoded", [b"", b"quorum none", b"quorum none\n#" + b"x" * POLICY_BYTES_MAX])
def test_a_file_that_is_cut_off_empty_or_too_long_is_none(encoded):
    with pytest.raises(MalformedError):
        Policy.parse(encoded)


def test_many_of_everything_are_taken():
    lines = [f"log {Signer(f'l{n}', n.to_bytes(32)).verifier.as_vkey()}" for n in range(1, LINES_MAX + 1)]
    lines += [witness(f"w{n}", n) for n in range(1, LINES_MAX + 1)]
    lines += ["group g1 any w1", *(f"group g{n} any w{n} g{n - 1}" for n in range(2, LINES_MAX + 1))]
    policy = read(*lines, f"quorum g{LINES_MAX}")
    assert policy.met_by(cosigned(1))
