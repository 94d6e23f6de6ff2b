"""Attack: a rule compares with an integer that Python reads and never writes: the first event ends the run."""

import pytest

from ostiary.errors import FaultyInputError
from ostiary.signals.sigma.document import MOST, read_document

RULE = """title: t
id: 5f0e8f0c-7f0f-4b3e-9d5e-3f5d6b7a8c90
level: low
logsource: {product: ostiary, service: access}
detection:
  here:
    count: %s
  condition: here
"""
HUGE = {
    "base 60": ":".join(["1"] * 3_000),
    "base 16": "0x" + "f" * 5_000,
    "base 2": "0b" + "1" * 40_000,
    "base 8": "0" + "7" * 20_000,
    "base 10": "9" * 5_000,
    "one too many": str(MOST),
    "one too few": str(-MOST - 1),
}


@pytest.mark.parametrize("kind", HUGE)
def test_an_integer_that_nobody_can_write_is_no_rule(kind: str) -> None:
    with pytest.raises(FaultyInputError, match=r"r\.yml:7: ") as caught:
        read_document("r.yml", (RULE % HUGE[kind]).encode())
    assert caught.value.code == "sigma_invalid"


@pytest.mark.parametrize("value", [0, 500, MOST - 1, -MOST])
def test_others_are_read_as_they_stand(value: int) -> None:
    document = read_document("r.yml", (RULE % value).encode())
    assert document.get("detection").get("here").get("count").value == value
