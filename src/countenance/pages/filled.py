"""What stands in a form that is shown again, so that nobody fills in twice what was right the first time."""

from typing import Any

from countenance.reception.body import Form


def filled_in(kind: type[Form], sent: Form | None) -> dict[str, Any]:
    """Return the fields of a kind of form as they were sent, None for each that was not."""
    said = {} if sent is None else sent.model_dump(mode="json")
    return {name: said.get(name) for name in kind.model_fields}
