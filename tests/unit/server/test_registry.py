import time

import pytest

from ostiary.identity.ports import RegisteredPep
from ostiary.server import registry
from ostiary.server.registry import RememberedRegistry


class Book:
    def __init__(self) -> None:
        self.asked = 0
        self.peps = {"a": RegisteredPep(pep_id="a", tenant="default")}

    def find(self, pep_id: str) -> RegisteredPep | None:
        self.asked += 1
        return self.peps.get(pep_id)

    def find_by_certificate(self, thumbprint: str) -> RegisteredPep | None:
        return self.peps.get("a") if thumbprint == "t" else None

    def find_by_workload(self, issuer: str, subject: str) -> RegisteredPep | None:
        return self.peps.get("a") if (issuer, subject) == ("i", "s") else None


def test_a_found_one_is_remembered_for_a_moment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    book = Book()
    remembered = RememberedRegistry(book)
    now = time.monotonic_ns()
    monkeypatch.setattr("ostiary.server.registry.time.monotonic_ns", lambda: now)
    assert [remembered.find("a") is not None for _ in range(5)] == [True] * 5
    assert book.asked == 1
    book.peps.clear()
    assert remembered.find("a") is not None
    now += registry.TTL_NS
    assert remembered.find("a") is None


def test_ids_that_nobody_has_fill_no_memory() -> None:
    book = Book()
    remembered = RememberedRegistry(book)
    for index in range(100):
        assert remembered.find(f"x{index}") is None
    assert (book.asked, len(remembered._known)) == (100, 0)


def test_other_ways_are_asked_each_time() -> None:
    remembered = RememberedRegistry(Book())
    assert remembered.find_by_certificate("t") is not None
    assert remembered.find_by_workload("i", "other") is None
