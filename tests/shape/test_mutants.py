"""The list of changes that no test can notice speaks of the code as it stands; `make mutate` shows that it is whole."""

import pytest

from tools.mutate import LIST, MODULES, PACKAGE, ROOT, TESTS, Mutant, listed, standing

LISTED = listed()
DIRECT = Mutant("decide", "_agree", "return failing", "return not failing")


def test_every_line_listed_still_stands_where_the_list_says():
    assert LISTED
    assert [str(each) for each in LISTED if not standing(each)] == []
    assert [str(each) for each in LISTED if each.line == each.mutant] == []


def test_a_line_that_is_gone_or_elsewhere_is_seen():
    assert standing(DIRECT)
    assert not standing(Mutant("decide", "_agree", "return failing and not satisfied", ""))
    assert not standing(Mutant("decide", "_findings", DIRECT.line, ""))
    assert not standing(Mutant("decide", "_gone", DIRECT.line, ""))


@pytest.mark.parametrize("reason, twice", [("", False), ("because", True)])
def test_a_mutant_without_a_reason_or_listed_twice_is_refused(tmp_path, reason, twice):
    entry = f'[[equivalent]]\nmodule = "tree"\nwhere = "fold"\nline = "a"\nmutants = ["b"]\nreason = "{reason}"\n'
    (tmp_path / "list.toml").write_text(entry * (2 if twice else 1), "utf-8")
    with pytest.raises(ValueError, match="tree: fold"):
        listed(tmp_path / "list.toml")


def test_what_is_changed_and_what_must_notice_are_there():
    assert {each.module for each in LISTED} <= set(MODULES)
    for path in [LIST, *(ROOT / name for name in TESTS), *(ROOT / PACKAGE / name for name in MODULES.values())]:
        assert path.is_file()
