from typing import Any

import pytest

from ostiary.errors import FaultyInputError
from ostiary.server.requests import MAX_TEXT, Semantic, read_evaluation, read_evaluations

ALICE = {"type": "user", "id": "alice"}
BOB = {"type": "user", "id": "bob", "properties": {"role": "admin"}}
READ = {"name": "read"}
DOC = {"type": "doc", "id": "1"}
WHOLE: dict[str, Any] = {"subject": ALICE, "action": READ, "resource": DOC}


def test_a_whole_request_is_read() -> None:
    request = read_evaluation({**WHOLE, "context": {"ip": "::1"}, "unknown": 1})
    assert (request.subject.id, request.action.name, request.resource.id) == ("alice", "read", "1")
    assert request.context == {"ip": "::1"}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"subject": None}, "/subject"),
        ({"subject": []}, "/subject"),
        ({"subject": {"type": "user"}}, "/subject/id"),
        ({"subject": {"type": "user", "id": ""}}, "/subject/id"),
        ({"subject": {"type": "user", "id": 7}}, "/subject/id"),
        ({"subject": {"type": "user", "id": "x" * (MAX_TEXT + 1)}}, "/subject/id"),
        ({"subject": {**ALICE, "properties": []}}, "/subject/properties"),
        ({"subject": {**ALICE, "properties": None}}, "/subject/properties"),
        ({"action": {}}, "/action/name"),
        ({"resource": {"id": "1"}}, "/resource/type"),
        ({"context": "x"}, "/context"),
        ({"context": None}, "/context"),
    ],
)
def test_faults_are_named_by_pointer(change: dict[str, Any], pointer: str) -> None:
    with pytest.raises(FaultyInputError) as caught:
        read_evaluation({**WHOLE, **change})
    assert (caught.value.code, caught.value.pointer) == ("request_invalid", pointer)


def test_an_items_entity_replaces_the_default_whole() -> None:
    batch = read_evaluations({**WHOLE, "subject": BOB, "evaluations": [{"subject": ALICE}, {}]}, 10)
    assert batch is not None
    first, second = batch.items
    assert not isinstance(first, FaultyInputError)
    assert not isinstance(second, FaultyInputError)
    assert first.subject.properties == {}
    assert second.subject.properties == {"role": "admin"}


def test_a_bad_item_is_a_fault_among_good_ones() -> None:
    batch = read_evaluations({"subject": ALICE, "action": READ, "evaluations": [{}, {"resource": DOC}, 7]}, 10)
    assert batch is not None
    assert [isinstance(i, FaultyInputError) for i in batch.items] == [True, False, True]


@pytest.mark.parametrize("items", [{}, {"evaluations": []}])
def test_without_items_it_is_a_single_evaluation(items: dict[str, Any]) -> None:
    assert read_evaluations({**WHOLE, **items}, 10) is None


@pytest.mark.parametrize(
    "body",
    [
        {"evaluations": {}},
        {"evaluations": [{}] * 11},
        {"evaluations": [{}], "options": {"evaluations_semantic": "first_come"}},
        {"evaluations": [{}], "options": {"evaluations_semantic": 1}},
        {"evaluations": [{}], "options": []},
    ],
)
def test_a_malformed_batch_is_refused_whole(body: dict[str, Any]) -> None:
    with pytest.raises(FaultyInputError):
        read_evaluations({**WHOLE, **body}, 10)


@pytest.mark.parametrize(
    ("semantic", "decision", "stops"),
    [
        (Semantic.EXECUTE_ALL, True, False),
        (Semantic.EXECUTE_ALL, False, False),
        (Semantic.DENY_ON_FIRST_DENY, True, False),
        (Semantic.DENY_ON_FIRST_DENY, False, True),
        (Semantic.PERMIT_ON_FIRST_PERMIT, True, True),
        (Semantic.PERMIT_ON_FIRST_PERMIT, False, False),
    ],
)
def test_where_each_semantic_stops(semantic: Semantic, decision: bool, stops: bool) -> None:  # noqa: FBT001
    assert semantic.stops_after(decision=decision) is stops
