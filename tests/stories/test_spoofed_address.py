"""Somebody writes an address or a certificate into a header: unless a trusted proxy stands there, nothing changes."""

from collections.abc import Callable
from typing import Any

import pytest

HASH = "ab" * 32
SPOOFS: list[dict[str, str]] = [
    {"X_Forwarded_For": "203.0.113.9"},
    {"Forwarded": "for=203.0.113.9"},
    {"X_Real_IP": "203.0.113.9"},
    {"True_Client_IP": "203.0.113.9"},
    {"X_Forwarded_For": "203.0.113.9", "X_Forwarded_Client_Cert": f"Hash={HASH}"},
]
BODY = '{"subject":{"type":"user","id":"alice"},"action":{"name":"come-home"},"resource":{"type":"doc","id":"1"}}'


@pytest.fixture(scope="module")
def plain(start_server: Callable[..., Any]) -> Any:
    return start_server()


@pytest.fixture(scope="module")
def behind_proxy(start_server: Callable[..., Any]) -> Any:
    return start_server(server={"trusted_proxies": ["127.0.0.0/8"], "client_cert_header": "x-forwarded-client-cert"})


@pytest.mark.parametrize("headers", SPOOFS, ids="+".join)
def test_a_spoofed_address_changes_no_signal(plain: Any, headers: dict[str, str]) -> None:
    assert plain.post("evaluation", BODY).json()["decision"] is False
    assert plain.post("evaluation", BODY, **headers).json()["decision"] is False
    honest, spoofed = plain.records()[-2:]
    assert honest.event.ip is None
    assert spoofed.event.ip is None
    assert spoofed.receipt.peer_ip is None
    assert bytes(honest.input).replace(b" ", b"").count(b"203.0.113.9") == 0
    assert bytes(spoofed.input).replace(b" ", b"").count(b"203.0.113.9") == 0
    # Two accesses one after another differ by that alone; the header adds nothing to it.
    again = plain.post("evaluation", BODY).json()
    assert again["decision"] is False


def test_a_trusted_proxys_word_is_taken(behind_proxy: Any) -> None:
    assert behind_proxy.post("evaluation", BODY, X_Forwarded_For="203.0.113.9").json()["decision"] is True
    assert behind_proxy.records()[-1].event.ip == "203.0.113.9"
    assert behind_proxy.post("evaluation", BODY, Forwarded="for=203.0.113.9").json()["decision"] is False


def test_what_a_client_put_left_of_the_proxys_word_is_not(behind_proxy: Any) -> None:
    spoofed = "203.0.113.9, 198.51.100.7"
    assert behind_proxy.post("evaluation", BODY, X_Forwarded_For=spoofed).json()["decision"] is False
    assert behind_proxy.records()[-1].event.ip == "198.51.100.7"


def test_a_certificate_header_authenticates_only_through_a_proxy(plain: Any, behind_proxy: Any) -> None:
    for server, status in ((plain, 401), (behind_proxy, 200)):
        body = {"pep_id": "by-certificate", "subjects": "asserted", "certificates": [HASH]}
        assert server.admin("POST", "/tenants/default/peps", json=body).status_code == 201
        head = {"Content-Type": "application/json", "X-Forwarded-Client-Cert": f"Hash={HASH}"}
        assert server.client.post("/access/v1/evaluation", content=BODY, headers=head).status_code == status


def test_metrics_go_by_the_connections_own_address(start_server: Callable[..., Any]) -> None:
    server = start_server(telemetry={"metrics_from": ["192.0.2.0/24"]}, server={"trusted_proxies": ["127.0.0.0/8"]})
    assert server.client.get("/metrics", headers={"X-Forwarded-For": "192.0.2.1"}).status_code == 403
