"""The shipped policy against values of the wrong type, words that are no names, and strangers with good tokens."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from ostiary.artifacts.shipped import policies_dir
from ostiary.decision.document import floor_of
from ostiary.policy.bundle import Bundle
from ostiary.policy.engine import OpaEngine
from ostiary.policy.monotone import made_up

EXAMPLES: dict[str, Any] = Bundle.load(policies_dir()).all_data["examples"]


@pytest.fixture(scope="module")
def engine() -> Iterator[OpaEngine]:
    with OpaEngine(Bundle.load(policies_dir())) as opened:
        yield opened


def changed(name: str, change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(yaml.safe_dump(EXAMPLES[name]))
    change(document)
    return document


def rules(engine: OpaEngine, document: dict[str, Any]) -> set[str]:
    verdict = engine.guardrails(document)
    assert not verdict.error
    return {hit.rule for hit in verdict.hits if hit.effect > 0}


ODD_ROWS = ["10000000", "all", "", True, False, [10], {"n": 1}, -1, -0.5, 1e300]


@pytest.mark.parametrize("rows", ODD_ROWS, ids=repr)
def test_rows_that_are_no_count_do_not_slip_under_the_bound(engine: OpaEngine, rows: object) -> None:
    document = changed("developer_at_night", lambda d: d["action"]["properties"].update(rows=rows))
    assert "bulk-query" in rules(engine, document)


@pytest.mark.parametrize("rows", [0, 1, 10_000, 10.0, None])
def test_a_plain_count_is_none_of_its_business(engine: OpaEngine, rows: object) -> None:
    document = changed("developer_at_night", lambda d: d["action"]["properties"].update(rows=rows))
    assert "bulk-query" not in rules(engine, document)


def test_an_action_cannot_be_named_like_a_class(engine: OpaEngine) -> None:
    def rename(document: dict[str, Any]) -> None:
        document["subject"]["groups"] = ["analysts"]
        document["action"] = {"name": "class:read", "properties": {}, "class": "other"}
        document["resource"] |= {"type": "dashboard", "sensitivity": 1}

    assert not floor_of(engine.guardrails(changed("developer", rename))).permits


def test_anybodys_job_at_the_same_public_issuer_is_not_our_job(engine: OpaEngine) -> None:
    def stranger(document: dict[str, Any]) -> None:
        document["subject"] |= {"id": "repo:mallory/fork:ref:refs/heads/main", "known": False}

    assert rules(engine, changed("ci_job", lambda _: None)) == set()
    assert "verified-ci-only" in rules(engine, changed("ci_job", stranger))
    unlabelled = changed("ci_job", stranger)
    unlabelled["resource"]["labels"] = []
    assert not floor_of(engine.guardrails(unlabelled)).permits


@pytest.mark.parametrize(
    "grant",
    [
        {"when": "mfa"},
        {"when": None},
        {"when": {"mfa": True}},
        {"when": ["no-such-condition"]},
        {"max_sensitivity": "2"},
        {"max_sensitivity": None},
        {"max_sensitivity": [4]},
        {"max_sensitivity": True},
        {"ids": "something"},
        {"ids": False},
        {"ids": None},
    ],
    ids=repr,
)
def test_a_grant_written_wrongly_grants_nothing(grant: dict[str, Any]) -> None:
    shipped = Bundle.load(policies_dir())
    plain = {"id": "odd", "actions": ["class:read"], "max_sensitivity": 4}
    for extra, permits in (({}, True), (grant, False)):
        roles = {"reader": {"document": [{**plain, **extra}]}}
        data = {"groups": {"people": ["reader"]}, "types": {}, "roles": roles}
        files = {**shipped.files, "access/data.yaml": yaml.safe_dump(data).encode()}
        with OpaEngine(Bundle(files)) as engine:
            document = made_up(3)
            document["subject"]["groups"] = ["people"]
            assert floor_of(engine.guardrails(document)).permits is permits
