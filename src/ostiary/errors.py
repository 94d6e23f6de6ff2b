"""The error tree: three roots, each error with a stable code.

- ``RefusedError``: security said no. It carries the reasons.
- ``FaultyInputError``: the caller sent something malformed; mending the input mends it.
- ``UnavailableError``: something Ostiary needs is away; the caller must fail closed.

Texts are lower case, without a full stop, with user input in backticks and no type names.
A ``RuntimeError`` anywhere means a bug of ours.

>>> from ostiary.errors import FaultyInputError
>>> fault = FaultyInputError("body_too_large", "the body has 2000000 bytes, 1048576 are allowed")
>>> fault.code
'body_too_large'
"""

from collections.abc import Iterable
from typing import ClassVar


class OstiaryError(Exception):
    """Root of every error that Ostiary raises on purpose.

    Attributes:
        code: stable machine-readable code in ``snake_case``.
        message: one sentence for a person.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, code: str, message: str) -> None:
        """Keep the code beside the message."""
        super().__init__(message)
        self.code = code
        self.message = message


class RefusedError(OstiaryError):
    """Security said no; ``reasons`` lists every reason code, the first is ``code``."""

    exit_code: ClassVar[int] = 3

    def __init__(self, code: str, message: str, reasons: Iterable[str] = ()) -> None:
        """Keep all reasons; the code is always one of them."""
        super().__init__(code, message)
        self.reasons: tuple[str, ...] = tuple(dict.fromkeys((code, *reasons)))


class VerificationError(RefusedError):
    """A proof, signature or log did not verify."""

    exit_code: ClassVar[int] = 5


class FaultyInputError(OstiaryError):
    """The input is malformed, too large, too deep or of the wrong type.

    Attributes:
        pointer: JSON pointer or line of the fault, empty when it is the whole input.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, code: str, message: str, pointer: str = "") -> None:
        """Keep where the fault is."""
        super().__init__(code, message)
        self.pointer = pointer


class UnavailableError(OstiaryError):
    """Something needed is away, late or broken: fail closed."""
