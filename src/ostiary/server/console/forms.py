"""A form that a page posts: ``application/x-www-form-urlencoded``, with limits.

>>> read_form(b"why=looks+odd&csrf=1")
{'why': 'looks odd', 'csrf': '1'}
>>> read_form(b"a=1&a=2")
Traceback (most recent call last):
    ...
ostiary.errors.FaultyInputError: a field of the form came twice
"""

from typing import Final
from urllib.parse import parse_qsl

from ostiary.errors import FaultyInputError

MAX_BYTES: Final = 262_144
MAX_FIELDS: Final = 64
CODE: Final = "console_form_malformed"


def read_form(body: bytes) -> dict[str, str]:
    """Return the fields of a form.

    Raises:
        FaultyInputError: ``console_form_malformed``.
    """
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            max_num_fields=MAX_FIELDS,
            errors="strict",
        )
    except ValueError:
        raise FaultyInputError(CODE, "this is no form") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise FaultyInputError(CODE, "a field of the form came twice")
    return fields
