"""A pack loads whole or not at all, and what is wrong with it is said with file and line."""

import os
import re
import shutil
import subprocess

import pytest

from countenance.errors import CountenanceError, MalformedError, NotFoundError
from countenance.law import known_packs, load_pack, load_packs
from countenance.law.shelf import SHELF
from tests.law.conftest import ABOUT, EXAMPLES, NOTES, write_pack

GOOD = "forbid (principal, action, resource) when { context.place.private };"


def said(folder) -> str:
    with pytest.raises(MalformedError) as caught:
        load_pack(folder)
    assert caught.value.zh
    assert "\n" not in caught.value.en
    assert str(folder.parent) not in caught.value.en
    return caught.value.en


def test_the_trial_pack_of_these_tests_loads(tmp_path):
    pack = load_pack(write_pack(tmp_path / "trial", {"1": GOOD}))
    assert (pack.name, len(pack.articles)) == ("trial", 1)


RULES = {
    "has on a fact whose absence is no answer": (
        "forbid (principal, action, resource) when { context.place has private && context.place.private };",
        "`has place.private` is refused",
    ),
    "has on a group": ("forbid (principal, action, resource) when { context has place };", "`has place` is refused"),
    "has on the age at enrol": (
        'forbid (principal, action == Action::"enrol", resource) when { context.subject has age_class };',
        "`has subject.age_class` is refused",
    ),
    "an unknown fact": (
        "forbid (principal, action, resource) when { context.place.colour };",
        "context.place.colour is not a fact",
    ),
    "a whole group": (
        "forbid (principal, action, resource) when { context.place == context.venue };",
        "context.place is not a fact",
    ),
    "the instant": ('forbid (principal, action, resource) when { context.at == "x" };', "context.at is not a fact"),
    "a word off the list": (
        'forbid (principal, action, resource) when { context.place.kind == "cellar" };',
        "a literal beside place.kind is not in its list",
    ),
    "a word off the list in a set": (
        'forbid (principal, action, resource) when { ["hall", "Hall"].contains(context.place.kind) };',
        "a literal beside place.kind",
    ),
    "a scope off the list": (
        'forbid (principal, action, resource) when { context.consent.scopes.contains("sell") };',
        "a literal beside consent.scopes",
    ),
    "arithmetic": (
        "forbid (principal, action, resource) when { context.measured.faces + 1 > 2 };",
        "neither a fact, a parameter nor a literal",
    ),
    "like": ('forbid (principal, action, resource) when { context.purpose.code like "a*" };', "the operator like"),
    "a fact used as a yes or no": (
        "forbid (principal, action, resource) when { context.device.assessed_days };",
        "is not a yes or no",
    ),
    "the principal": ('forbid (principal, action, resource) when { principal == Operator::"o" };', "neither a fact"),
    "a scope with a principal": ('forbid (principal == Operator::"o", action, resource);', "a policy's scope is"),
    "an action off the list": ('forbid (principal, action == Action::"scan", resource);', "a policy's scope is"),
    "a template": ("forbid (principal == ?principal, action, resource);", "no templates"),
    "an unguarded fact that may be absent": (
        "forbid (principal, action, resource) when { context.measured.faces > 1 };",
        "Cedar's validator refuses a rule",
    ),
    "an unguarded basis": (
        'forbid (principal, action, resource) unless { context.statutory_basis == "a/1" };',
        "Cedar's validator refuses a rule",
    ),
    "a type error": (
        'forbid (principal, action, resource) when { context.device.assessed_days > "x" };',
        "Cedar's validator refuses",
    ),
    "an unknown number of the law": (
        "forbid (principal, action, resource) when { context.device.assessed_days > context.law.nothing };",
        "Cedar's validator refuses",
    ),
    "a nest of parentheses": (
        f"forbid (principal, action, resource) when {{ {'(' * 9000}context.place.private{')' * 9000} }};",
        "nests too deep or is too long",
    ),
    "a nest of lists": (
        f"forbid (principal, action, resource) when {{ {'[' * 9000}{']' * 9000}.contains(1) }};",
        "nests too deep",
    ),
    "a nest of negations": (
        f"forbid (principal, action, resource) when {{ {'!' * 9000}context.place.private }};",
        "nests too deep or is too long",
    ),
    "a chain of conditions": (
        f"forbid (principal, action, resource) when {{ {' && '.join(['context.place.private'] * 3000)} }};",
        "nests too deep or is too long",
    ),
    "a chain of questions": (
        f"forbid (principal, action, resource) when {{ {'if true then ' * 3000}true{' else true' * 3000} }};",
        "nests too deep or is too long",
    ),
    "a chain of names": (
        f"forbid (principal, action, resource) when {{ context{'.place' * 9000} }};",
        "nests too deep or is too long",
    ),
    "a shorter chain of names": (
        f"forbid (principal, action, resource) when {{ context{'.place' * 390} }};",
        "is not a fact that rules may read",
    ),
    "no Cedar": ("forbid everything;", "Cedar cannot read this block"),
    "a permit": (f"permit (principal, action, resource); {GOOD}", "a policy carries @duty"),
    "no remedy in Chinese": (
        '@reason_en("No.") @reason_zh("否。") @remedy_en("Ask.") ' + GOOD,
        "a policy carries @reason_en @reason_zh @remedy_en @remedy_zh",
    ),
    "an empty reason": (NOTES.replace('"No."', '""') + GOOD, "a policy carries @reason_en"),
    "a strange annotation": ('@advice("x") ' + NOTES + GOOD, "a policy carries @reason_en"),
    "a requirement that is no fact": (f'@requires("place.colour") {NOTES}{GOOD}', "@requires names facts"),
}


@pytest.mark.parametrize("case", RULES)
def test_a_rule_that_the_shelf_cannot_answer_for_is_refused(tmp_path, case):
    cedar, reason = RULES[case]
    line = said(write_pack(tmp_path / "trial", {"6": cedar}))
    assert reason in line
    assert re.match(r"trial/articles/06-trial\.md:\d+: ", line)


def test_the_line_is_that_of_the_policy(tmp_path):
    two = f"{NOTES}{GOOD}\n\n{NOTES}forbid (principal, action, resource)\nwhen {{ context.place.colour }};"
    folder = write_pack(tmp_path / "trial", {"6": two})
    number = int(said(folder).split(":")[1])
    text = (folder / "articles" / "06-trial.md").read_text(encoding="utf-8").splitlines()
    assert text[number - 1].startswith("forbid (principal, action, resource)")
    assert "colour" in text[number]


ABOUTS = {
    "a draft in force": (("in_force_from: null", "in_force_from: 2024-02-01"), "a draft is never in force"),
    "in force without a day": (("status: draft", "status: in-force"), "in_force_from is needed"),
    "an unknown status": (("status: draft", "status: proposed"), "status or timezone"),
    "an unknown zone": (("Asia/Shanghai", "Asia/Nowhere"), "the timezone is not in the zone database"),
    "a zone that is a path": (("Asia/Shanghai", "../../etc/passwd"), "timezone"),
    "no publication": (("published: 2024-01-01", "published: null"), "published is a day"),
    "a day that is none": (("published: 2024-01-01", "published: 2024-02-30"), "published is a day"),
    "another id": (("id: {name}", "id: other"), "the id is the name"),
    "a key too many": (("source: none", "source: none\nextra: 1"), "exactly these keys"),
    "a key too few": (("source: none\n", ""), "exactly these keys"),
    "a key twice": (("source: none", "source: none\nsource: none"), "not YAML as the shelf reads it"),
    "an alias": (("source: none", "source: &a none\nreviewed_by: *a"), "anchors, aliases and tags"),
    "a tag": (("source: none", "source: !!python/object:os.system none"), "anchors, aliases and tags"),
    "no YAML": (("source: none", "source: [none"), "not YAML as the shelf reads it"),
    "a title in one language": (("{{en: A trial pack, zh: 试验规则包}}", "A trial pack"), "title has a text"),
}


@pytest.mark.parametrize("case", ABOUTS)
def test_a_pack_yaml_that_does_not_hold_is_refused(tmp_path, case):
    (old, new), reason = ABOUTS[case]
    assert old in ABOUT
    line = said(write_pack(tmp_path / "trial", {"1": GOOD}, about=ABOUT.replace(old, new)))
    assert line.startswith("trial/pack.yaml:")
    assert reason in line


ARTICLES = {
    "no front matter": (("---\narticle", "article"), "begins with front matter"),
    "an unquoted number": (('article: "1"', "article: 1"), "a quoted number"),
    "the number of another file": (('article: "1"', 'article: "2"'), "the file's name begins"),
    "no Chinese": (("## 中文", "## Chinese"), "the section `## 中文` is missing"),
    "an unknown encoding": (("encoding: enforced", "encoding: maybe"), "encoding is one of"),
    "rules that are not enforced": (("encoding: enforced", "encoding: evidenced"), "exactly when its encoding"),
    "a missing key": (("source: none\n", ""), "exactly these keys"),
    "no permit among the examples": (
        ("outcome: permit", "outcome: refuse"),
        "examples are lacking with the outcome permit",
    ),
    "no refusal among the examples": (
        ("outcome: refuse", "outcome: permit"),
        "examples are lacking with the outcome refuse",
    ),
    "a missing outcome without facts": (("    named: [place.private]\n", ""), "missing with the facts `named`"),
    "malformed facts": (
        ("facts: {action: verify}", "facts: {action: scan}"),
        "the facts of this example are malformed",
    ),
    "facts with an unknown key": (("facts: {action: verify}", "facts: {action: verify, colour: red}"), "are malformed"),
    "a strange day": (("2024-06-01T00:00:00+08:00", "2024-06-01"), "are malformed"),
    "an article that is not there": (("outcome: refuse", 'outcome: refuse\n    articles: ["9"]'), "does not have"),
    "a parameter that is a word": (
        ("checked_on: null", "checked_on: null\nparameters: {n: 1}"),
        "parameter n has `values`",
    ),
    "a parameter that starts late": (
        ("checked_on: null", "checked_on: null\nparameters: {n: {values: {2024-03-01: 1}, reference: x}}"),
        "has no value on the pack's first day",
    ),
    "a parameter whose change no example shows": (
        (
            "checked_on: null",
            "checked_on: null\nparameters: {n: {values: {2024-01-01: 1, 2025-01-01: 2}, reference: x}}",
        ),
        "no example shows n from 2025-01-01",
    ),
}


@pytest.mark.parametrize("case", ARTICLES)
def test_an_article_that_does_not_hold_is_refused(tmp_path, case):
    (old, new), reason = ARTICLES[case]
    folder = write_pack(tmp_path / "trial", {"1": GOOD})
    file = folder / "articles" / "01-trial.md"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
    line = said(folder)
    assert line.startswith("trial/articles/01-trial.md:")
    assert reason in line


def test_two_files_of_one_article_are_refused(tmp_path):
    folder = write_pack(tmp_path / "trial", {"1": GOOD})
    shutil.copy(folder / "articles" / "01-trial.md", folder / "articles" / "01-again.md")
    assert "another file has this article" in said(folder)


@pytest.mark.parametrize(
    "base",
    [
        "",
        "nonsense",
        "permit (principal, action, resource);",
        '@id("trial/base") forbid (principal, action, resource);',
        '@id("trial/base") permit (principal, action, resource) when { true };',
        '@id("trial/base") permit (principal, action, resource); permit (principal, action, resource);',
    ],
)
def test_a_pack_has_exactly_one_base_permit(tmp_path, base):
    folder = write_pack(tmp_path / "trial", {"1": GOOD})
    (folder / "base.cedar").write_text(base, encoding="utf-8")
    assert said(folder).startswith("trial/base.cedar:1: ")


def _link(folder):
    (folder / "articles" / "02-link.md").symlink_to(folder / "articles" / "01-trial.md")


def _folder_link(folder):
    shutil.move(folder / "articles", folder.parent / "elsewhere")
    (folder / "articles").symlink_to(folder.parent / "elsewhere")


DISORDER = {
    "a link": _link,
    "a linked folder": _folder_link,
    "code": lambda folder: (folder / "hook.PY").write_text("raise SystemExit"),
    "a hidden file": lambda folder: (folder / ".hidden").write_text(""),
    "a folder in a folder": lambda folder: (folder / "articles" / "more").mkdir(),
    "a pipe": lambda folder: os.mkfifo(folder / "articles" / "02-pipe.md"),
    "a large file": lambda folder: (folder / "articles" / "02-large.md").write_text("x" * 300_000),
    "no UTF-8": lambda folder: (folder / "articles" / "02-latin.md").write_bytes(b"\xe9"),
    "carriage returns": lambda folder: (folder / "articles" / "02-dos.md").write_bytes(b"a\r\nb"),
    "an article that is no Markdown": lambda folder: (folder / "articles" / "02-note.txt").write_text("x"),
    "an article without a number": lambda folder: (folder / "articles" / "readme.md").write_text("x"),
    "no pack.yaml": lambda folder: (folder / "pack.yaml").unlink(),
    "no base": lambda folder: (folder / "base.cedar").unlink(),
    "no articles": lambda folder: shutil.rmtree(folder / "articles"),
}


@pytest.mark.parametrize("case", DISORDER)
def test_a_folder_in_disorder_is_refused(tmp_path, case):
    folder = write_pack(tmp_path / "trial", {"1": GOOD})
    DISORDER[case](folder)
    assert said(folder)


def test_a_pack_of_many_bytes_is_refused(tmp_path):
    folder = write_pack(tmp_path / "trial", {"1": GOOD})
    (folder / "documents").mkdir()
    for number in range(20):
        (folder / "documents" / f"{number}.txt").write_text("x" * 250_000)
    assert "at most 4 MiB" in said(folder)


def test_what_is_not_there_is_not_found(tmp_path):
    for work in (
        lambda: load_pack(tmp_path / "nothing"),
        lambda: load_packs(["nothing"]),
        lambda: load_packs(["./nothing"]),
    ):
        with pytest.raises(NotFoundError):
            work()


@pytest.mark.parametrize("name", ["..", "../packs", "cn-2025/..", "", "CN-2025", "cn-2025\0"])
def test_a_strange_name_is_no_pack(name):
    with pytest.raises(CountenanceError):
        load_packs([name])


def test_one_pack_twice_is_one_and_two_of_one_id_are_refused(tmp_path):
    assert len(load_packs(["cn-2025", "cn-2025"])) == 1
    shutil.copytree(SHELF / "cn-2025", tmp_path / "cn-2025")
    with pytest.raises(MalformedError, match="Two packs have one id"):
        load_packs(["cn-2025", f"{tmp_path}/cn-2025"])


def test_the_shelf_is_found_by_looking():
    assert known_packs() == ("cn-2023-draft", "cn-2025")
    assert load_packs().names == set(known_packs())


def test_the_edition_is_what_the_tools_of_any_system_compute():
    for name in known_packs():
        printed = subprocess.run(
            "find articles base.cedar pack.yaml -type f | LC_ALL=C sort | xargs sha256sum | sha256sum",
            shell=True, cwd=SHELF / name, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        assert load_pack(SHELF / name).edition == "sha256:" + printed.split()[0]


def test_any_change_of_a_file_is_another_edition(tmp_path):
    folder = write_pack(tmp_path / "trial", {"1": GOOD})
    before = load_pack(folder).edition
    file = folder / "articles" / "01-trial.md"
    file.write_text(file.read_text(encoding="utf-8").replace("Words.", "Words!"), encoding="utf-8")
    assert load_pack(folder).edition != before


def test_a_pack_in_any_folder_binds_like_those_on_the_shelf(tmp_path):
    write_pack(tmp_path / "trial", {"1": GOOD}, examples=EXAMPLES)
    packs = load_packs(["cn-2025", f"{tmp_path}/trial"])
    assert [pack.name for pack in packs] == ["cn-2025", "trial"]
