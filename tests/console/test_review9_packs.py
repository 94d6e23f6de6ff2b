"""Attack: whoever is scored takes the pack that somebody else asked for, in which his own records are open."""

from collections.abc import Callable
from typing import Any

from ostiary.server.auditing.jobs import Job, Jobs
from ostiary.server.auditing.working import Working
from ostiary.testing.console import FakeBrowser

People = Callable[..., FakeBrowser]


def made(server: Any) -> Job:
    jobs = Jobs(server.house)
    while (found := jobs.of("default")[0]).state in {"waiting", "running"}:  # the test's own time limit ends this
        Working(server.house, lambda: False, lambda _reason, _fault: None).turn()
    return found


def test_a_pack_is_taken_by_who_asked_for_it(server: Any, people: People) -> None:
    mine, theirs = people("auditor"), people("auditor", name="second-auditor")
    assert theirs.deed("/audit/exports", {}).status_code == 200
    job = made(server)
    path = f"/audit/exports/{job.id}/pack.zip"
    refused = mine.get(path)
    assert refused.status_code == 403
    assert "console_pack_of_another" in refused.text
    assert path not in mine.get("/audit/exports").text
    assert path in theirs.get("/audit/exports").text
    assert theirs.get(path).content.startswith(b"PK")


def test_a_pack_that_a_key_asked_for_is_not_taken_at_the_console(server: Any, people: People) -> None:
    server.admin("POST", "/tenants/default/audit/packs", json={}).raise_for_status()
    assert people("auditor").get(f"/audit/exports/{made(server).id}/pack.zip").status_code == 403
