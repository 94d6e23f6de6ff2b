"""Attack: a page of another site makes a signed-in browser take something away, or open something, by a mere link."""

from collections.abc import Callable

import pytest

from ostiary.server.console.pages import all_routes
from ostiary.testing.console import FakeBrowser

People = Callable[..., FakeBrowser]
TAKING = [
    one.path.replace("{", "x-").replace("}", "") for one in all_routes() if one.method == "GET" and one.action != "view"
]


def test_there_are_such_routes() -> None:
    assert "/decisions/export" in TAKING
    assert len(TAKING) > 3


@pytest.mark.parametrize("path", TAKING)
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_nothing_is_taken_away_by_a_link_of_another_site(people: People, path: str, site: str) -> None:
    answer = people("owner").get(path, headers={"sec-fetch-site": site})
    assert answer.status_code == 403
    assert "console_foreign_site" in answer.text


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_from_our_own_page_and_from_the_address_line_it_is(people: People, site: str) -> None:
    assert people("owner").get("/decisions/export", headers={"sec-fetch-site": site}).status_code == 200


def test_a_page_is_opened_by_a_link_from_anywhere(people: People) -> None:
    assert people("owner").get("/detections", headers={"sec-fetch-site": "cross-site"}).status_code == 200
