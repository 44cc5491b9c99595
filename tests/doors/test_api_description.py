"""The description of the interface: complete, with examples that hold, and without a word it must not have."""

import json
import re

import pytest
from pydantic import TypeAdapter

from countenance.api import description, document, routes
from countenance.reception.body import checked
from countenance.vocabulary import Role

#: No answer may carry any of these, and no request may choose one.
NEVER = {
    "score", "scores", "distance", "similarity", "threshold", "template", "templates", "features", "embedding",
    "descriptor", "vector", "confidence", "fmr", "rank", "candidates", "model", "detector", "extractor", "quality",
    "retention", "box", "landmarks", "image", "picture",
}  # fmt: skip
#: `retention_days` of a purpose is what the operator declares; nothing is chosen by it.
DECLARED = {"retention_days"}
SHAPES: dict[str, type[document.ProblemDetails]] = {
    "refused": document.RefusalDetails,
    "failure_to_acquire": document.FailureDetails,
    "attack_suspected": document.AttackDetails,
    "no_analyser": document.NoAnalyserDetails,
}


def names(schema):
    if isinstance(schema, dict):
        for name, each in schema.get("properties", {}).items():
            yield name
            yield from names(each)
        for name, each in schema.items():
            if name != "properties":
                yield from names(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from names(each)


def test_no_property_and_no_parameter_has_a_word_it_must_not_have():
    seen = description()
    found = set(names(seen["components"])) | set(names(seen["paths"]))
    found |= {
        parameter["name"]
        for held in seen["paths"].values()
        for each in held.values()
        for parameter in each.get("parameters", [])
    }
    assert {"outcome", "record", "findings", "sample", "most"} <= found
    assert len(found) > 60
    for name in found - DECLARED:
        assert not set(re.split(r"[_\W]", name.lower())) & NEVER, name


def test_the_walk_sees_a_word_it_must_not_have():
    assert set(names({"anyOf": [{"items": {"properties": {"score": {}}}}]})) == {"score"}


def test_the_file_for_review_is_current(root):
    written = json.loads((root / "tests" / "golden" / "openapi.json").read_text("utf-8"))
    assert written == description(), "the interface changed: run `make docs` and review tests/golden/openapi.json"


def test_every_operation_has_examples_that_hold():
    seen = 0
    for route in routes():
        if route.form is not None:
            assert isinstance(checked(route.form, route.form_example), route.form)
            seen += 1
        if route.answer is not None:
            TypeAdapter(route.answer).validate_json(json.dumps(route.example))
            seen += 1
    assert seen > 25


def test_every_problem_has_an_example_of_its_own_shape():
    responses = description()["components"]["responses"]
    seen = set()
    for response in responses.values():
        for name, example in response["content"]["application/problem+json"]["examples"].items():
            kind = SHAPES.get(name, document.ProblemDetails)
            kind.model_validate_json(json.dumps(example["value"]))
            assert example["value"]["type"] == f"/v1/problems/{name}"
            seen.add(name)
    assert seen == {"malformed", "unknown_caller", "not_allowed", "refused", "not_found", "too_slow", "conflict",
                    "too_large", "media_type", "failure_to_acquire", "too_many", "unexpected", "unavailable",
                    "integrity", "no_analyser", "attack_suspected"}  # fmt: skip


def test_every_reference_leads_somewhere():
    seen = description()
    references = set(re.findall(r'"\$ref": "#/components/(\w+)/(\w+)"', json.dumps(seen)))
    assert len(references) > 40
    assert [each for each in references if each[1] not in seen["components"][each[0]]] == []


def test_every_operation_says_what_it_does_and_fits_its_roles():
    for route in routes():
        assert (route.endpoint.__doc__ or "").strip().endswith("."), route.label
        assert not isinstance(route.roles, tuple) or set(route.roles) <= set(Role)
    labels = [route.label for route in routes()]
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize("word", ["swagger", "redoc", "cdn"])
def test_nothing_is_fetched_from_elsewhere(word):
    assert word not in json.dumps(description()).lower()
