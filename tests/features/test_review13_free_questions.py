"""A query that fails tells something too: it says yes or no of the rows, and must not be free."""

from typing import Any

ONE_BIT = "select case when max(amount) > {} then error('yes') end from people"


def test_questions_answered_by_a_fault_are_counted(scene: Any) -> None:
    token = scene.caller.token(scene.detail())
    scene.access._budget._max = 3
    try:
        told = [scene.query(ONE_BIT.format(n), token=token).json().get("code") for n in range(5)]
    finally:
        scene.access._budget._max = 0
    assert told == ["query_invalid"] * 3 + ["feature_budget_used_up"] * 2


def test_a_query_that_does_not_reach_the_engine_costs_nothing(scene: Any) -> None:
    token = scene.caller.token(scene.detail())
    scene.access._budget._max = 1
    try:
        assert scene.query("select nosuch from people", token=token).status_code == 403
        assert scene.query("select from where (", token=token).status_code == 400
        assert scene.query("select 1 from people limit 1", token=token).status_code == 200
    finally:
        scene.access._budget._max = 0
