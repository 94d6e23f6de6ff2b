"""With nonces on, a proof made in advance is worthless: the server says which nonce the next proof must carry."""

import time

import pytest

from ostiary.testing.issuer import FakeHolder, FakeIssuer

METHOD, URI = "GET", "https://api.example/things"


@pytest.fixture(scope="module")
def issuer():
    return FakeIssuer()


@pytest.fixture(scope="module")
def server(start_server, issuer, tmp_path_factory):
    keys = tmp_path_factory.mktemp("keys") / "jwks.json"
    keys.write_text(issuer.jwks().inline)
    one = {"issuer": issuer.issuer, "audience": issuer.audience, "jwks_path": str(keys)}
    return start_server(identity={"issuers": [one], "dpop_nonce_s": 60})


def present(server, issuer, nonce=None, path="evaluation"):
    holder, now = FakeHolder(), time.time_ns()  # noqa: TID251 - the server's own clock decides on the token
    token = issuer.token(now, cnf=holder.confirmation)
    proof = holder.proof(now, token, METHOD, URI, **({} if nonce is None else {"nonce": nonce}))
    context = {"subject_token": token, "dpop_proof": proof, "http_method": METHOD, "http_uri": URI}
    return server.ask(path=path, context=context)


def test_a_proof_without_a_nonce_is_told_which_to_use(server, issuer):
    answer = present(server, issuer)
    assert answer.json()["decision"] is False
    assert answer.json()["context"]["reasons"] == ["dpop_nonce_missing"]
    assert 'error="use_dpop_nonce"' in answer.headers["www-authenticate"]
    assert answer.headers["dpop-nonce"] == answer.json()["context"]["dpop_nonce"]


def test_a_proof_with_the_nonce_is_believed(server, issuer):
    answer = present(server, issuer, present(server, issuer).headers["dpop-nonce"])
    assert answer.json()["decision"] is True
    assert "dpop-nonce" not in answer.headers


@pytest.mark.parametrize("nonce", ["", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 7])
def test_an_invented_nonce_is_refused_and_told_the_right_one(server, issuer, nonce):
    answer = present(server, issuer, nonce)
    assert answer.json()["decision"] is False
    assert answer.headers["dpop-nonce"]


def test_the_nonce_is_told_in_the_body_of_a_batch_too(server, issuer):
    holder, now = FakeHolder(), time.time_ns()  # noqa: TID251 - see above
    token = issuer.token(now, cnf=holder.confirmation)
    proof = holder.proof(now, token, METHOD, URI)
    context = {"subject_token": token, "dpop_proof": proof, "http_method": METHOD, "http_uri": URI}
    answer = server.ask(path="evaluations", evaluations=[{}], context=context)
    [item] = answer.json()["evaluations"]
    assert item["context"]["dpop_nonce"]
