"""Forms that pages send: read strictly, each field once, and nothing of what was sent in an error."""

from typing import Annotated

import pytest
from pydantic import Field

from countenance.errors import MalformedError
from countenance.reception.body import FIELDS_MAX, MARK_FIELD, URLENCODED, Form, Sent, from_urlencoded


class Wish(Form):
    """A form with every kind of field."""

    kind: str = ""
    text: str | None = None
    scopes: tuple[str, ...] = ()
    number: Annotated[int, Field(ge=0)] = 0


def sent(body: bytes) -> Sent:
    return Sent(URLENCODED, b"", body)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", {}),
        (b"kind=a", {"kind": "a"}),
        (b"kind=a+b%20c", {"kind": "a b c"}),
        (b"kind=%E6%B5%B7%E6%B8%AF", {"kind": "海港"}),
        (b"kind=a%3Db%26c", {"kind": "a=b&c"}),
        (b"kind=a=b", {"kind": "a=b"}),
        (b"text=one%0D%0Atwo%0Athree", {"text": "one\ntwo\nthree"}),
        (b"text=one%0Dtwo", {"text": "one\rtwo"}),
        (b"kind=&text=+%0D%0A+", {}),
        (b"scopes=a&scopes=b&kind=x", {"scopes": ["a", "b"], "kind": "x"}),
        (b"scopes=a", {"scopes": ["a"]}),
        (b"scopes=a&scopes=", {"scopes": ["a"]}),
        (b"unknown=1", {"unknown": "1"}),
    ],
)
def test_a_form_is_read(body: bytes, found: dict[str, object]) -> None:
    assert from_urlencoded(body, Wish) == found


@pytest.mark.parametrize(
    "body",
    [
        b"kind", b"&", b"kind=a&", b"kind=a&&text=b", b"kind=\xe6", "kind=é".encode(), b"kind=%E6", b"kind=%ff",
        b"kind=%ED%A0%80", b"kind=a&kind=b", b"kind=a&kind=a", b"kind=a\x00&x", b"unknown=1&unknown=2",
    ],
)  # fmt: skip
def test_what_is_no_such_form_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedError) as raised:
        from_urlencoded(body, Wish)
    assert raised.value.en.startswith("The form ")
    assert raised.value.__cause__ is None


def test_a_bad_percent_is_text_like_any_other() -> None:
    """As browsers read it: a percent sign that begins no byte stands for itself."""
    assert from_urlencoded(b"kind=100%&text=%zz%4", Wish) == {"kind": "100%", "text": "%zz%4"}


def test_there_is_a_limit_on_fields() -> None:
    most = b"&".join(b"scopes=%d" % number for number in range(FIELDS_MAX))
    assert len(from_urlencoded(most, Wish)["scopes"]) == FIELDS_MAX
    with pytest.raises(MalformedError):
        from_urlencoded(most + b"&scopes=x", Wish)


def test_the_mark_of_a_page_is_no_field_of_its_form() -> None:
    body = b"csrf=0123&kind=a"
    assert MARK_FIELD == "csrf"
    assert from_urlencoded(body, Wish) == {"kind": "a"}
    assert sent(body).mark() == "0123"
    assert sent(body).form(Wish) == Wish(kind="a")


def test_where_no_mark_came_it_is_empty() -> None:
    assert sent(b"kind=a").mark() == ""
    assert Sent("application/json", b"", b'{"csrf": "0123"}').mark() == ""
    with pytest.raises(MalformedError):
        sent(b"csrf").mark()


def test_of_two_marks_the_first_counts() -> None:
    assert sent(b"csrf=a&csrf=b").mark() == "a"


@pytest.mark.parametrize("body", [b"number=-1", b"number=x", b"number=1.5", b"other=1", b"kind=a&session=b"])
def test_a_form_takes_its_own_fields_in_their_bounds(body: bytes) -> None:
    with pytest.raises(MalformedError):
        sent(body).form(Wish)


def test_nothing_that_was_sent_is_shown() -> None:
    body = b"number=canary-1&kind=canary-2&canary-3=4"
    with pytest.raises(MalformedError) as raised:
        sent(body).form(Wish)
    form = Wish(kind="canary-5", text="canary-6")
    assert "canary" not in repr(raised.value) + str(raised.value) + raised.value.zh + repr(sent(body)) + repr(form)
    assert str(form) == "<Wish>"
