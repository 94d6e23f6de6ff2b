"""What administrators do, written down before it counts: one way for the API and for the command line."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ostiary.keys import random_bytes
from ostiary.server.wiring import House
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id

RECORD_WAIT_S: Final = 10.0
COMMAND_LINE: Final = "command line"


def record_deed(house: House, who: str, tenant: str, action: str, **told: Any) -> str:
    """Record what an administrator does, and wait until it is on disk; return the record's id.

    Args:
        house: whose log it goes to.
        who: the key's id, or ``command line`` for whoever may open the data directory.
        tenant: whose record it is.
        action: what is done, such as ``pep.add``.
        told: what else is worth knowing; never a secret.

    Raises:
        UnavailableError: the log cannot be written; the deed must not be done.
    """
    return record_about("", house, who, tenant, action, told)


def record_about(about: str, house: House, who: str, tenant: str, action: str, told: Mapping[str, Any]) -> str:
    """Record a deed whose record holds personal data of ``about`` (``type:id``), and is erased with that person."""
    now = house.clock.now_ns()
    record_id = make_id("adm", now, random_bytes(RANDOM_BYTES))
    payload = msgspec.json.encode({"v": 1, "type": "admin", "action": action, "by": who, **told})
    house.log.append(tenant, "admin", record_id, now, payload, about).result(timeout=RECORD_WAIT_S)
    return record_id
