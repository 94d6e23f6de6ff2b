"""The feed under attack: strangers, other tenants, forged places, slow readers, names that look like events."""

import json
import socket
import threading
import time
from typing import Any, Self

import httpx
import pytest

from ostiary.server.faces import feed as feed_face
from ostiary.server.peps import NewPep, register
from ostiary.server.settings.feed import FeedSection
from ostiary.sessions import SessionLedger

LIMITS = FeedSection(feeds=12, tenant_feeds=8, ring=64, beat_s=0.3, recheck_s=0.3, stall_s=1.0)
WAIT_S = 10.0


@pytest.fixture(scope="module")
def server(start_server) -> Any:
    return start_server(feed=LIMITS.model_dump())


class Listening:
    """One open feed, read event by event."""

    def __init__(self, server, key: str = "", place: str = "", **headers: str) -> None:
        given = {"Authorization": f"Bearer {key or server.pep_key}", **({"Last-Event-ID": place} if place else {})}
        self.client = httpx.Client(base_url=server.url, timeout=WAIT_S)
        request = self.client.build_request("GET", "/access/v1/feed", headers={**given, **headers})
        self.response = self.client.send(request, stream=True)
        self.lines = self.response.iter_lines()
        self.last = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.response.close()
        self.client.close()

    def event(self) -> tuple[str, Any]:
        name, data = "", ""
        for line in self.lines:
            if not line:
                return name, json.loads(data)
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                data = value
            elif field == "id":
                self.last = value
        return "", None

    def until(self, wanted: str) -> Any:
        """Return the data of the next event of that name; only heartbeats may come before."""
        while True:
            name, data = self.event()
            if name == wanted:
                return data
            assert name == "beat", (name, data)


def end(server, session: str, tenant: str = "default") -> None:
    server.house.ledger.terminate(tenant, session, at_ns=server.house.clock.now_ns(), reason="test")


def test_it_begins_with_what_is_over_and_goes_on_with_what_changes(server) -> None:
    end(server, "before-1")
    with Listening(server) as feed:
        snapshot = feed.until("snapshot")
        assert "before-1" in {one["session"] for one in snapshot["ended"]}
        assert snapshot["complete"] is True
        end(server, "after-1")
        change = feed.until("change")
        assert (change["kind"], change["session"]) == ("terminated", "after-1")
        assert feed.last == f"{snapshot['epoch']}-{snapshot['seq'] + 1}"
        assert feed.until("beat")["seq"] == snapshot["seq"] + 1


def test_every_kind_of_fall_is_told_without_why(server) -> None:
    ledger, now = server.house.ledger, server.house.clock.now_ns()
    with Listening(server) as feed:
        feed.until("snapshot")
        ledger.reduce("default", "falls", at_ns=now, reason="secret_reason", cause="dec_1", lifetime_s=60)
        ledger.demand_step_up("default", "falls", at_ns=now, reason="secret_reason")
        ledger.revoke_subject("default", "user:carol", at_ns=now, reason="secret_reason")
        told = [feed.until("change") for _ in range(3)]
        assert [one["kind"] for one in told] == ["reduced", "step_up", "subject_revoked"]
        assert told[0]["expires_ms"] == now // 10**6 + 60_000
        assert told[2]["subject"] == "user:carol"
        assert "secret_reason" not in json.dumps(told)
    with Listening(server) as feed:
        snapshot = feed.until("snapshot")
        assert {"session": "falls", "step_up": True, "reduced": True, "expires_ms": told[0]["expires_ms"]} in snapshot[
            "fallen"
        ]
        assert "user:carol" in {one["subject"] for one in snapshot["revoked"]}


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer pep-1.wrong"}, {"Authorization": "Basic eA=="}])
def test_a_stranger_is_refused_and_counted(server, headers) -> None:
    before = server.client.get("/metrics").text.count("pep_unauthenticated")
    answer = server.client.get("/access/v1/feed", headers=headers)
    assert answer.status_code == 401
    assert "default" not in answer.text
    assert server.client.get("/metrics").text.count("pep_unauthenticated") >= max(1, before)


@pytest.mark.parametrize(("method", "path", "status"), [("POST", "", 405), ("GET", "/more", 404)])
def test_there_is_one_way_to_ask(server, method: str, path: str, status: int) -> None:
    head = {"Authorization": f"Bearer {server.pep_key}"}
    assert server.client.request(method, f"/access/v1/feed{path}", headers=head).status_code == status


def test_two_credentials_are_none(server) -> None:
    key = f"Bearer {server.pep_key}"
    headers = [("Authorization", key), ("Authorization", key)]
    assert server.client.get("/access/v1/feed", headers=headers).status_code == 400


def test_another_tenants_changes_are_neither_told_nor_counted(server) -> None:
    server.house.tenants.create("other")
    key = register(server.house, NewPep(pep_id="other-pep", tenant="other")).api_key
    with Listening(server, key) as theirs, Listening(server) as ours:
        before = theirs.until("snapshot")
        ours.until("snapshot")
        assert before["ended"] == []
        assert before["seq"] == 0
        end(server, "ours-alone")
        assert ours.until("change")["session"] == "ours-alone"
        assert theirs.event() == ("beat", {"seq": 0, "clock_ms": pytest.approx(time.monotonic() * 1000, abs=5000)})


def test_whoever_comes_back_hears_what_was_missed_once(server) -> None:
    with Listening(server) as feed:
        feed.until("snapshot")
        end(server, "heard")
        feed.until("change")
        place = feed.last
    end(server, "missed")
    with Listening(server, place=place) as feed:
        feed.until("resumed")
        assert feed.until("change")["session"] == "missed"


def forged(server) -> list[str]:
    epoch = next(face for face in server.assembly.faces if isinstance(face, feed_face.FeedFace)).hub.epoch
    return [f"{epoch}-99999999", f"{epoch}--1", f"{'0' * 24}-1", f"{epoch}-1e1", "x" * 500, f"{epoch}-{'9' * 30}", "-"]


def test_a_forged_place_gets_a_snapshot_and_nothing_else(server) -> None:
    for place in forged(server):
        with Listening(server, place=place) as feed:
            assert feed.event()[0] == "snapshot", place


def test_a_place_of_another_tenant_tells_nothing_of_it(server) -> None:
    for number in range(5):
        end(server, f"bait-{number}")
    with Listening(server) as feed:
        feed.until("snapshot")
        end(server, "bait")
        feed.until("change")
        place = feed.last
    server.house.tenants.create("third")
    key = register(server.house, NewPep(pep_id="third-pep", tenant="third")).api_key
    with Listening(server, key, place) as feed:
        name, told = feed.event()
        assert (name, told["ended"]) == ("snapshot", [])


def test_a_place_too_far_back_gets_a_snapshot(server) -> None:
    with Listening(server) as feed:
        feed.until("snapshot")
        end(server, "long-ago")
        feed.until("change")
        place = feed.last
    for number in range(LIMITS.ring + 1):
        end(server, f"flood-{number}")
    with Listening(server, place=place) as feed:
        assert feed.event()[0] == "snapshot"


@pytest.mark.parametrize(
    "name",
    [
        "a\n\nevent: change\ndata: {}\n\n",
        "a\r\rid: 1\r\r",
        "a\r\nretry: 99999999",
        "\u2028event: snapshot",
        "\x00\x1b[2J",
    ],
)
def test_a_sessions_name_cannot_speak_for_the_feed(server, name: str) -> None:
    with Listening(server) as feed:
        feed.until("snapshot")
        end(server, name)
        assert feed.until("change")["session"] == name
        end(server, f"next to {name[:1]}{time.monotonic_ns()}")
        assert feed.until("change")["session"].startswith("next to")


def test_a_removed_enforcement_point_loses_its_feed_within_seconds(server) -> None:
    key = register(server.house, NewPep(pep_id="leaver", tenant="default")).api_key
    with Listening(server, key) as feed:
        feed.until("snapshot")
        server.house.store.peps.delete("default", "leaver")
        begin = time.monotonic()
        feed.until("over")
        assert feed.event() == ("", None)
        assert time.monotonic() - begin < 2


def test_the_number_of_feeds_is_bounded_and_places_come_back(server) -> None:
    feeds = [Listening(server) for _ in range(LIMITS.tenant_feeds)]
    try:
        assert [feed.response.status_code for feed in feeds] == [200] * LIMITS.tenant_feeds
        with Listening(server) as one_more:
            assert one_more.response.status_code == 503
    finally:
        for feed in feeds:
            feed.__exit__()
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        with Listening(server) as again:
            if again.response.status_code == 200:
                return
        time.sleep(0.05)
    pytest.fail("no place came back")


def test_a_reader_that_reads_nothing_is_cut_off(server) -> None:
    """It fills the buffers between, the sending stalls, and its connection is aborted: no place is held for ever."""
    host, port = server.url.removeprefix("http://").split(":")
    face = next(face for face in server.assembly.faces if isinstance(face, feed_face.FeedFace))
    begin = time.monotonic()
    while face.hub.count and time.monotonic() < begin + WAIT_S:  # those of earlier tests notice in a moment
        time.sleep(0.02)
    with socket.create_connection((host, int(port))) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        head = f"GET /access/v1/feed HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.pep_key}\r\n\r\n"
        deaf.sendall(head.encode())
        until = time.monotonic() + WAIT_S
        while not face.hub.count and time.monotonic() < until:
            time.sleep(0.02)
        assert face.hub.count == 1
        number = 0
        while face.hub.count and time.monotonic() < until + WAIT_S:
            for _ in range(40):
                number += 1
                end(server, f"loud-{number}-" + "x" * 4000)
            time.sleep(0.01)
        assert face.hub.count == 0


def test_what_another_process_ended_is_told_too(server) -> None:
    """A worker that takes over, or a command on the same data directory: its word is learned and passed on."""
    there = SessionLedger(server.house.store.sessions)
    with Listening(server) as feed:
        feed.until("snapshot")
        there.terminate("default", "elsewhere", at_ns=1, reason="x")
        server.house.ledger.reload()
        assert feed.until("change")["session"] == "elsewhere"


def test_changes_from_many_threads_are_each_told_once_and_in_order(server) -> None:
    with Listening(server) as feed:
        first = feed.until("snapshot")["seq"]

        def some(number: int) -> None:
            for k in range(8):
                end(server, f"many-{number}-{k}")

        threads = [threading.Thread(target=some, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        told: list[str] = []
        places: list[int] = []
        while len(told) < 32:
            told.append(feed.until("change")["session"])
            places.append(int(feed.last.rpartition("-")[2]))
        for thread in threads:
            thread.join()
    assert sorted(told) == sorted(f"many-{n}-{k}" for n in range(4) for k in range(8))
    assert places == list(range(first + 1, first + 33))
