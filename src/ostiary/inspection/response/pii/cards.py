"""Payment cards: Luhn, and ranges that issuers have.

>>> is_card("4111111111111111"), is_card("1234567812345670"), is_card("4111111111111112")
(True, False, False)
"""

from typing import Final

from ostiary.inspection.response.pii.digits import luhn

# First digits (ISO/IEC 7812 issuer ranges) and the lengths that come with them.
_ISSUERS: Final = (
    (4, 4, (13, 16, 19)),  # Visa
    (51, 55, (16,)),  # Mastercard
    (2221, 2720, (16,)),  # Mastercard
    (34, 34, (15,)),  # American Express
    (37, 37, (15,)),
    (300, 305, (14, 16, 17, 18, 19)),  # Diners
    (36, 36, (14, 16)),
    (38, 39, (14, 16)),
    (6011, 6011, (16, 19)),  # Discover
    (644, 649, (16, 19)),
    (65, 65, (16, 19)),
    (3528, 3589, (16, 19)),  # JCB
    (62, 62, (16, 17, 18, 19)),  # UnionPay
    (50, 50, (16, 19)),  # Maestro
    (56, 58, (16, 19)),
    (6304, 6304, (16, 19)),
    (6759, 6763, (16, 19)),
    (2200, 2204, (16,)),  # Mir
)


def is_card(digits: str) -> bool:
    """Return whether ``digits`` is a card's number."""
    return _issued(digits) and luhn(digits)


def _issued(digits: str) -> bool:
    return any(
        len(digits) in lengths and low <= int(digits[: len(str(low))]) <= high for low, high, lengths in _ISSUERS
    )
