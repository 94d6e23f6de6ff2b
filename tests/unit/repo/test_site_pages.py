"""The pages that the site makes from the code hold what the code has."""

from collections.abc import Callable
from typing import Any

import pytest

from ostiary.vocabulary.reasons import Reason


@pytest.fixture(scope="module")
def made(tool: Callable[[str], Any]) -> dict[str, str]:
    return tool("site_pages").made()  # type: ignore[no-any-return]


def test_every_verb_has_a_page_with_its_options(made: dict[str, str]) -> None:
    assert made["reference/verbs/decide.md"].startswith("# ostiary decide\n")
    assert "`--bundle PATH`" in made["reference/verbs/decide.md"]
    assert sum("reference/verbs/" in place for place in made) >= 45


def test_every_reason_stands_there_with_its_sentence(made: dict[str, str]) -> None:
    for reason in Reason:
        line = next(line for line in made["reference/reasons.md"].splitlines() if f"`{reason.value}`" in line)
        assert not line.endswith("|  |"), reason


def test_codes_and_routes_and_members_are_there(made: dict[str, str]) -> None:
    assert "| `storage_unavailable` | UnavailableError |" in made["reference/codes.md"]
    assert "| `GET` | `/api/v1/tenants/{tenant}/decisions`" in made["reference/admin-api.md"]
    assert "| `bytes` | `int \\| None` | `None` | traffic.bytes |" in made["reference/events.md"]
