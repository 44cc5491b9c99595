"""What holds of every decision: unknown never helps, more law never permits, and order never matters."""

import json
import random
import shutil

from hypothesis import given
from hypothesis import strategies as st

from countenance.answer import Permit, as_json
from countenance.decide import decide
from countenance.facts import OPTIONAL_GROUPS, parse_one
from countenance.law import Packs, load_pack, load_packs
from countenance.law.shelf import SHELF
from countenance.vocabulary import Action
from tests.law.stories import NAMES, flat_facts, nested, value_of

PACKS = load_packs()
#: Facts whose absence is an answer: losing them tells something.
ANSWERS = {"statutory_basis", "session.last_refusal_days", "subject.age_class"}
flats = st.integers(0, 2**32).map(lambda seed: flat_facts(random.Random(seed)))


def ask(flat, packs=PACKS):
    return decide(parse_one(json.dumps(nested(flat)), packs.names), packs)


@given(flats, st.sampled_from([name for name in NAMES if name not in ANSWERS]))
def test_losing_a_fact_never_turns_a_refusal_into_a_permit(flat, name):
    less = {key: value for key, value in flat.items() if key != name}
    if isinstance(ask(less), Permit):
        assert isinstance(ask(flat), Permit)


def test_permits_occur_at_all_and_survive_only_what_is_not_needed():
    chance = random.Random(7)
    permitted = [flat for flat in (flat_facts(chance) for _ in range(800)) if isinstance(ask(flat), Permit)]
    assert len(permitted) > 20
    lost = 0
    for flat in permitted:
        for name in set(flat) & set(NAMES) - ANSWERS:
            lost += not isinstance(ask({key: value for key, value in flat.items() if key != name}), Permit)
    assert lost > 20


def test_one_article_more_never_permits(tmp_path):
    chance = random.Random(3)
    stories = [flat_facts(chance) for _ in range(60)]
    tried = 0
    for pack in PACKS:
        for article in pack.articles:
            folder = tmp_path / article.number / pack.name
            shutil.copytree(SHELF / pack.name, folder)
            (folder / article.file.partition("/")[2]).unlink()
            less, whole = Packs([load_pack(folder)]), Packs([pack])
            for flat in stories:
                few, all_of_them = as_json(ask(flat, less))["findings"], as_json(ask(flat, whole))["findings"]
                assert few == [one for one in all_of_them if one["article"] != article.number]
                tried += 1
    assert tried > 500


@given(flats, st.randoms(use_true_random=False))
def test_the_order_of_facts_and_packs_never_matters(flat, chance):
    mixed = list(flat.items())
    chance.shuffle(mixed)
    assert as_json(ask(dict(mixed), Packs(list(PACKS)[::-1]))) == as_json(ask(flat))


@given(flats)
def test_two_packs_find_what_each_finds_alone(flat):
    alone = [one for pack in PACKS for one in as_json(ask(flat, Packs([pack])))["findings"]]
    assert as_json(ask(flat))["findings"] == alone


@given(flats, st.integers(0, 2**32))
def test_a_fact_that_no_rule_of_the_action_reads_changes_no_finding(flat, seed):
    chance = random.Random(seed)
    read = {name for pack in PACKS for name in pack.reads(Action(flat["action"]))}
    optional = {name for name in NAMES if name.partition(".")[0] in OPTIONAL_GROUPS}
    others = [name for name in NAMES if name not in read | optional]
    assert len(others) > 5
    changed = {name: value for name, value in flat.items() if name not in others}
    changed |= {name: value_of(name, chance) for name in others if chance.random() < 0.5}

    def found(asked):
        return [{**one, "reason": None} for one in as_json(ask(asked))["findings"]]

    assert found(changed) == found(flat)
