"""Cases: opened once, joined, commented, closed with a verdict; bounded, and each tenant's own."""

import threading

import pytest

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.response.cases import MAX_COMMENTS, MAX_LINKS, CaseBook, Verdict
from ostiary.testing.memory_cards import MemoryCards


@pytest.fixture
def book() -> CaseBook:
    return CaseBook(MemoryCards())


def opened(book: CaseBook, key: str = "k", tenant: str = "acme", topic: str = "t", links: tuple[str, ...] = ()) -> str:
    case = book.open(tenant, "look", topic=topic, key=key, by="playbook:x", now_ns=1, subject="user:ann", links=links)
    return case.case_id


def test_a_case_lives_from_opening_to_verdict(book: CaseBook) -> None:
    name = opened(book, links=("decision:dec_1", "decision:dec_1", ""))
    book.assign("acme", name, "kim")
    book.comment("acme", name, "adm_1", 2, "seen")
    case = book.close("acme", name, "adm_1", 3, Verdict.TRUE_POSITIVE)
    assert (case.assignee, case.links, case.verdict) == ("kim", ("decision:dec_1",), Verdict.TRUE_POSITIVE)
    assert [comment.text for comment in case.comments] == ["seen"]
    assert book.find("acme", name) == case
    assert (book.listed("acme", "open"), [one.case_id for one in book.listed("acme")]) == ([], [name])
    with pytest.raises(RefusedError) as caught:
        book.comment("acme", name, "adm_1", 4, "too late")
    assert caught.value.code == "case_closed"


def test_a_storm_of_alarms_is_one_case(book: CaseBook) -> None:
    for number in range(MAX_COMMENTS + 50):
        opened(book, f"k{number}", links=(f"decision:{number}",))
    (case,) = book.listed("acme")
    assert (len(case.comments), len(case.links)) == (MAX_COMMENTS, MAX_LINKS)
    assert book.count_open() == 1


def test_the_same_key_opens_once_and_after_the_verdict_a_new_key_opens_anew(book: CaseBook) -> None:
    name = opened(book)
    assert opened(book) == name
    assert book.find("acme", name).comments == ()
    book.close("acme", name, "adm_1", 2, Verdict.BENIGN)
    assert opened(book) == name
    assert opened(book, "other") != name


def test_tenants_and_topics_are_apart(book: CaseBook) -> None:
    name = opened(book)
    assert len({name, opened(book, "k2", topic="u"), opened(book, tenant="beta")}) == 3
    for call in (book.find, lambda tenant, case: book.close(tenant, case, "x", 1, Verdict.BENIGN)):
        with pytest.raises(RefusedError) as caught:
            call("gamma", name)
        assert caught.value.code == "case_unknown"


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 4001])
def test_comments_are_bounded(book: CaseBook, text: str) -> None:
    with pytest.raises(FaultyInputError) as caught:
        book.comment("acme", opened(book), "adm_1", 1, text)
    assert caught.value.code == "comment_invalid"


def test_comments_are_made_harmless_line_by_line(book: CaseBook) -> None:
    case = book.comment("acme", opened(book), "adm_1", 1, "one\ntwo\x1b[2J\u202e\r")
    assert case.comments[0].text == "one\ntwo\ufffd[2J\ufffd\ufffd"


def test_two_people_who_write_at_once_lose_nothing(book: CaseBook) -> None:
    name = opened(book)
    threads = [
        threading.Thread(target=book.comment, args=("acme", name, f"adm_{number}", 1, "me too")) for number in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(book.find("acme", name).comments) == 4
