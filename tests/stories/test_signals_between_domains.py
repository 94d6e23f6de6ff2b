"""Two domains hear of each other: a compromise there ends the sessions here, an end here is pushed and polled there.

``here`` and ``there`` are two real servers. A third domain, an identity provider, is played by the test.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ostiary.identity.secevent.types import uri_of
from ostiary.testing.issuer import FakeIssuer, FakeKey, compact

IDP, HERE, THERE = "https://idp.example", "https://here.example", "https://there.example"
KEY = FakeKey.generate("k1")
SECRET = "Bearer between-us"
ALICE = {"subject": {"type": "user", "id": "alice"}}


@pytest.fixture
def idp_keys(tmp_path: Path) -> Path:
    place = tmp_path / "idp.json"
    place.write_text(FakeIssuer(keys=[KEY]).jwks().inline)
    return place


@pytest.fixture
def here(start_server: Callable[..., Any], idp_keys: Path) -> Any:
    receiver = {"name": "idp", "issuer": IDP, "audience": HERE, "jwks_path": str(idp_keys)}
    return start_server(
        server={"public_url": HERE}, ssf={"receivers": [receiver], "allow_http_loopback": True, "subject_issuer": IDP}
    )


def listening_to(here: Any, folder: Path, **more: Any) -> dict[str, Any]:
    (folder / "secret").write_text(SECRET)
    return {
        "name": "here",
        "issuer": HERE,
        "audience": "default-pep",
        "jwks_url": here.url + "/ssf/v1/jwks.json",
        "subject_issuers": [IDP],
        "sessions": True,
        **more,
    }


def event_token(name: str, said: dict[str, Any], jti: str = "event-1") -> str:
    claims = {
        "iss": IDP,
        "jti": jti,
        "iat": int(time.time()),  # noqa: TID251 - the servers' clock is the machine's
        "aud": HERE,
        "txn": "incident-7",
        "sub_id": {"format": "iss_sub", "iss": IDP, "sub": "alice"},
        "events": {uri_of(name): said},
    }
    return compact({"alg": "ES256", "kid": "k1", "typ": "secevent+jwt"}, claims, KEY.signer)


def signals(server: Any) -> list[dict[str, Any]]:
    found = [json.loads(one.payload) for one in server.house.log.iterate("default", "signal")]
    return [one for one in found if one["type"] != "stream"]


def begin(server: Any, session: str) -> None:
    answer = server.ask(context={"session_id": session}).json()
    assert answer["decision"] is True, answer


def refuses(server: Any, session: str) -> bool:
    return server.ask(context={"session_id": session}).json()["decision"] is False


def until(holds: Callable[[], bool], within_s: float = 10) -> float:
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < within_s
        time.sleep(0.02)
    return time.monotonic() - began


def manage(server: Any, method: str, path: str, **more: Any) -> Any:
    headers = {"Authorization": f"Bearer {server.pep_key}"}
    answer = server.client.request(method, "/ssf/v1" + path, headers=headers, **more)
    assert answer.status_code < 300, answer.text
    return answer.json() if answer.content else None


def test_a_compromise_elsewhere_ends_every_session_here_and_is_in_the_log(here: Any) -> None:
    begin(here, "s1")
    begin(here, "s2")
    said = event_token("credential-compromise", {"credential_type": "password"})
    kind = {"Content-Type": "application/secevent+jwt"}
    answer = here.client.post("/ssf/v1/events/idp", content=said, headers=kind)
    assert (answer.status_code, answer.content) == (202, b"")
    assert refuses(here, "s1")
    assert refuses(here, "s2")
    (record,) = signals(here)
    assert (record["event"], record["subject"], record["outcome"]) == ("credential-compromise", "user:alice", "told")
    assert record["set"]["txn"] == "incident-7"
    ended = [one for one in here.house.ledger.ended("default") if one.reason == "signal_credential_compromise"]
    assert ended
    (recorded,) = here.house.log.iterate("default", "signal")
    assert {one.cause for one in ended} == {recorded.record_id}
    assert here.client.post("/ssf/v1/events/idp", content=said, headers=kind).status_code == 400


def test_a_session_that_ends_here_is_pushed_there_and_ends_there(
    here: Any, start_server: Callable[..., Any], tmp_path: Path
) -> None:
    audience = here.pep_key.partition(".")[0]
    told = listening_to(here, tmp_path, audience=audience, push_authorization_file=str(tmp_path / "secret"))
    there = start_server(server={"public_url": THERE}, ssf={"receivers": [told], "allow_http_loopback": True})
    delivery = {
        "method": "urn:ietf:rfc:8935",
        "endpoint_url": there.url + "/ssf/v1/events/here",
        "authorization_header": SECRET,
    }
    stream = manage(here, "POST", "/streams", json={"delivery": delivery})
    for server in (here, there):
        begin(server, "s1")
        begin(server, "s2")
    name = next(
        one.session_id for one in here.house.ledger.of_subject("default", "user:alice") if "s1" in one.session_id
    )
    here.house.ledger.terminate("default", name, at_ns=here.house.clock.now_ns(), reason="risk", cause="dec_1")
    until(lambda: refuses(there, "s1"))
    assert not refuses(there, "s2")
    (record,) = signals(there)
    assert (record["event"], record["set"]["txn"]) == ("session-revoked", "dec_1")
    until(lambda: here.house.store.signals.count_waiting("default", stream["stream_id"]) == 0)
    assert SECRET not in json.dumps(signals(here))


def test_a_session_that_ends_here_is_polled_from_there(
    here: Any, start_server: Callable[..., Any], tmp_path: Path
) -> None:
    stream = manage(here, "POST", "/streams", json={})
    (tmp_path / "ours").write_text(f"Bearer {here.pep_key}")
    told = listening_to(
        here,
        tmp_path,
        audience=stream["aud"],
        pushes=False,
        poll_url=f"{here.url}/ssf/v1/poll/{stream['stream_id']}",
        poll_every_s=1,
        verify_url=here.url + "/ssf/v1/verify",
        stream_id=stream["stream_id"],
        authorization_file=str(tmp_path / "ours"),
    )
    there = start_server(server={"public_url": THERE}, ssf={"receivers": [told], "allow_http_loopback": True})
    begin(there, "s1")
    here.house.ledger.revoke_subject("default", "user:alice", at_ns=here.house.clock.now_ns(), reason="admin_request")
    until(lambda: refuses(there, "s1"))
    until(lambda: here.house.store.signals.count_waiting("default", stream["stream_id"]) == 0)
    assert next(one["event"] for one in signals(there)) == "session-revoked"


def test_two_domains_that_push_to_each_other_do_not_echo(
    here: Any, start_server: Callable[..., Any], tmp_path: Path
) -> None:
    told = listening_to(here, tmp_path, audience=here.pep_key.partition(".")[0])
    there = start_server(
        server={"public_url": THERE}, ssf={"receivers": [told], "allow_http_loopback": True, "subject_issuer": IDP}
    )
    for server, other in ((here, there.url + "/ssf/v1/events/here"), (there, here.url + "/ssf/v1/events/idp")):
        manage(server, "POST", "/streams", json={"delivery": {"method": "urn:ietf:rfc:8935", "endpoint_url": other}})
    here.house.ledger.revoke_subject("default", "user:alice", at_ns=here.house.clock.now_ns(), reason="admin_request")
    until(lambda: len(signals(there)) >= 1)
    time.sleep(0.5)
    (back,) = there.house.store.signals.streams("default")
    assert there.house.store.signals.count_waiting("default", back.stream_id) == 0
    assert [one for one in signals(there) if one["type"] == "refused_by_receiver"] == []
