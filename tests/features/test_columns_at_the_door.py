"""At the features door: a token's columns, policy's tags and stages, and nothing beside them."""

from typing import Any

import pytest


def rows(response: Any) -> list[list[Any]]:
    assert response.status_code == 200, response.text
    found: list[list[Any]] = response.json()["rows"]
    return found


def refused(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def test_a_star_is_what_may_be_seen(scene: Any) -> None:
    response = scene.query("select * from people order by user_id limit 1")
    assert response.json()["columns"] == list(scene.seen)
    assert rows(response) == [[1, "2026-01-01T01:00:00", 1.5, "fr", False, 3.0]]


def test_a_token_sees_its_own_columns_alone(scene: Any) -> None:
    response = scene.query("select * from people limit 1", scene.detail(("amount", "salary", "nosuch")))
    assert response.json()["columns"] == ["amount"]


@pytest.mark.parametrize("token", [("*",), ("amount", "user_id"), ("amount", "salary", "nosuch")])
def test_hidden_and_unknown_are_told_alike(scene: Any, token: tuple[str, ...]) -> None:
    told = []
    for name in ("salary", "nosuch"):
        response = scene.query("select ? from people".replace("?", name), scene.detail(token))
        body = {key: value for key, value in response.json().items() if key not in {"decision_id", "denied_uri"}}
        told.append((response.status_code, str(body).replace(name, "?")))
    assert told[0] == told[1]
    assert told[0][0] == 403


def test_what_a_derived_feature_is_made_of_must_be_seen_too(scene: Any) -> None:
    assert refused(scene.query("select wealth from people")) == (403, "access_denied")
    assert refused(scene.query("select wealth_again from people")) == (403, "access_denied")
    assert scene.query("select * from people limit 1", scene.detail(("doubled", "user_id"))).json()["columns"] == [
        "user_id"
    ]
    both = scene.query("select * from people limit 1", scene.detail(("doubled", "amount")))
    assert both.json()["columns"] == ["amount", "doubled"]


def test_stage_decides_labels_and_masks(scene: Any) -> None:
    training = scene.query("select * from people order by user_id limit 2", scene.detail(stage="train"))
    assert set(training.json()["columns"]) == {*scene.seen, "email", "fraud"}
    place = training.json()["columns"].index("email")
    shown = [row[place] for row in training.json()["rows"]]
    assert all(len(one) == 32 and "@" not in one for one in shown)
    assert len(set(shown)) == 2


def test_explain_says_what_is_lacking(scene: Any) -> None:
    told = scene.post("explain", {"sql": "select avg(salary), amount from people where nosuch = 1"}).json()
    assert told["lacking"] == ["nosuch", "salary"]
    assert told["message"] == "this query needs `nosuch` and `salary`, which you do not have"
    assert told["you_have"]["columns"] == list(scene.seen)


def test_every_query_has_a_decision_and_a_record_and_no_record_has_the_query(scene: Any) -> None:
    before = len(scene.feature_records())
    response = scene.query("select country from people where country = 'de' limit 3")
    broken = scene.query("select 1; select 2")
    read, refusal = scene.feature_records()[before:]
    assert refused(broken) == (403, "query_not_allowed")
    assert (read["decision"], read["rows"], read["needs"]) == (response.json()["decision_id"], 3, ["country"])
    assert (refusal["outcome"], refusal["code"]) == ("refused", "query_not_allowed")
    assert "'de'" not in str(scene.feature_records())


def test_malformed_bodies_are_refused_and_recorded(scene: Any) -> None:
    for body, code in (
        ({"sql": 1}, "request_invalid"),
        ({"sql": "select 1", "more": 1}, "request_invalid"),
        ({}, "request_invalid"),
        ({"sql": "select ("}, "query_not_understood"),
        ({"sql": "(" * 5000}, "query_not_understood"),
        ({"sql": "select " + "1+" * 30_000 + "1"}, "query_not_understood"),
    ):
        before = len(scene.feature_records())
        assert refused(scene.post("query", body)) == (400, code)
        assert scene.feature_records()[before:][0]["code"] == code


def test_an_unknown_set_answers_like_one_out_of_reach(scene: Any) -> None:
    told = []
    for name in ("people", "nosuch"):
        response = scene.query("select 1 from people", scene.detail(name="other"), name=name)
        told.append((response.status_code, response.json()["code"], response.json()["reasons"]))
    assert told[0] == told[1] == (403, "access_denied", ["token_other_resource"])


def test_values_are_those_of_the_time(scene: Any) -> None:
    frame = [
        {"user_id": 3, "event_timestamp": "2026-01-01T02:59:59Z"},
        {"user_id": 3, "event_timestamp": "2026-01-01T03:00:00+00:00"},
        {"user_id": 3, "event_timestamp": "2026-01-01T04:00:00+01:00"},
        {"user_id": 99, "event_timestamp": "2027-01-01T00:00:00"},
    ]
    found = rows(scene.post("historical", {"columns": ["amount", "doubled"], "entities": frame}))
    assert [row[2:] for row in found] == [[None, None], [4.5, 9.0], [4.5, 9.0], [None, None]]
    for name in ("salary", "nosuch", "wealth"):
        response = scene.post("historical", {"columns": [name], "entities": frame})
        assert refused(response) == (403, "access_denied")


def test_writing_is_scoped_like_reading(scene: Any) -> None:
    scene.register("fresh")
    good = {"user_id": 7, "at": "2026-02-01T00:00:00Z", "amount": 5, "country": "de"}
    ingest = scene.detail(name="fresh", action="features.write", stage="ingest")
    assert refused(scene.post("write", {"rows": [good]}, scene.detail(name="fresh"))) == (403, "access_denied")
    assert refused(scene.post("write", {"rows": [{**good, "salary": 1}]}, ingest)) == (403, "access_denied")
    assert refused(scene.post("write", {"rows": [{**good, "nosuch": 1}]}, ingest)) == (403, "access_denied")
    narrow = scene.detail(("user_id", "at", "amount"), name="fresh", action="features.write", stage="ingest")
    assert refused(scene.post("write", {"rows": [good]}, narrow)) == (403, "access_denied")
    for change in (
        {"at": "2999-01-01T00:00:00Z"},
        {"at": None},
        {"at": "soon"},
        {"user_id": None},
        {"user_id": "x"},
        {"amount": "much"},
        {"doubled": 1},
    ):
        assert refused(scene.post("write", {"rows": [{**good, **change}]}, ingest))[0] == 400, change
    assert scene.post("write", {"rows": [good]}, ingest).json()["rows"] == 1
    record = scene.feature_records()[-1]
    assert (record["outcome"], record["producer"]) == ("written", "ci_job:github:owner:9919:repository:42")
    read = scene.detail(name="fresh")
    assert rows(scene.query("select amount, doubled from fresh", read)) == [[5.0, 10.0]]
    online = scene.post("online", {"columns": ["amount", "doubled"], "keys": [{"user_id": 7}, {"user_id": 8}]}, read)
    assert online.json()["rows"] == [
        {"user_id": 7, "amount": 5.0, "doubled": 10.0},
        {"user_id": 8, "amount": None, "doubled": None},
    ]


def test_an_older_event_never_replaces_a_newer_one(scene: Any) -> None:
    scene.register("twice")
    ingest = scene.detail(name="twice", action="features.write", stage="ingest")
    for at, amount in (("2026-02-02T00:00:00Z", 2), ("2026-02-01T00:00:00Z", 1)):
        written = scene.post("write", {"rows": [{"user_id": 1, "at": at, "amount": amount}]}, ingest)
        assert written.status_code == 200, written.text
    body = {"columns": ["amount"], "keys": [{"user_id": 1}]}
    assert scene.post("online", body, scene.detail(name="twice")).json()["rows"] == [{"user_id": 1, "amount": 2.0}]


def test_rows_are_filtered_before_the_query(scene: Any) -> None:
    filters = [{"stages": ["*"], "all": [{"column": "country", "op": "eq", "attribute": "region"}]}]
    scene.register("regional", scene.rows, attributes={"row_filters": filters})
    detail = scene.detail(name="regional")
    assert rows(scene.query("select distinct country from regional", detail)) == [["de"]]
    assert rows(scene.query("select count(*) from regional", detail)) == [[20]]
    assert rows(scene.query("select error('there') from regional where amount = 1.5", detail)) == []
    ingest = scene.detail(name="regional", action="features.write", stage="ingest")
    row = {"user_id": 1, "at": "2026-02-01T00:00:00Z", "amount": 1}
    for country, status in (("fr", 403), (None, 403), ("de", 200)):
        response = scene.post("write", {"rows": [{**row, "country": country}]}, ingest)
        assert response.status_code == status, response.text
    assert refused(scene.post("write", {"rows": [row]}, ingest)) == (403, "feature_rows_outside")


def test_a_token_reads_so_many_rows_and_no_more(scene: Any) -> None:
    token = scene.caller.token(scene.detail())
    scene.access._budget._max = 100
    try:
        first = scene.query("select * from people", token=token)
        assert len(rows(first)) == 60
        assert refused(scene.query("select * from people", token=token)) == (413, "query_too_large")
        assert len(rows(scene.query("select * from people limit 39", token=token))) == 39  # the refusal counts for one
        assert refused(scene.query("select 1 from people limit 1", token=token)) == (429, "feature_budget_used_up")
        assert len(rows(scene.query("select * from people"))) == 60
    finally:
        scene.access._budget._max = 0


def test_arrow_comes_as_a_stream_with_the_views_schema(scene: Any) -> None:
    response = scene.query("select * from people", Accept="application/vnd.apache.arrow.stream")
    assert response.headers["content-type"] == "application/vnd.apache.arrow.stream"
    assert scene.arrow(response.content).column_names == list(scene.seen)
    assert not any(secret.encode() in response.content for secret in scene.secrets)


@pytest.mark.parametrize("raw", [b"", b"ARROW1", b"\xff\xff\xff\xff" + b"\x10\x00\x00\x00" + b"\0" * 40])
def test_broken_streams_are_refused(scene: Any, raw: bytes) -> None:
    ingest = scene.detail(action="features.write", stage="ingest")
    assert refused(scene.post("write", raw, ingest)) == (400, "table_invalid")
