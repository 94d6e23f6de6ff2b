import pytest

from ostiary.server.connect.guard import Guard

KEY = {b"authorization": b"Bearer k3y"}
HERE = "127.0.0.1:8182"


def code(host=HERE, headers=KEY, path="/v1/chat/completions"):
    fault = Guard("k3y", 8182).fault(host, headers, path)
    return None if fault is None else fault.code


@pytest.mark.parametrize("host", ["127.0.0.1:8182", "localhost:8182", "LOCALHOST:8182", "[::1]:8182"])
def test_programs_of_this_machine_get_through(host):
    assert code(host) is None


@pytest.mark.parametrize("host", ["", "evil.example:8182", "127.0.0.1", "127.0.0.1:80", "127.0.0.1.evil.example:8182"])
def test_a_name_that_was_made_to_lead_here_does_not(host):
    assert code(host) == "host_unknown"


@pytest.mark.parametrize("name", [b"origin", b"sec-fetch-site", b"sec-fetch-mode"])
def test_no_page_speaks_for_the_person(name):
    assert code(headers={**KEY, name: b"null"}) == "browser_refused"


@pytest.mark.parametrize("value", [b"", b"Bearer", b"Bearer k3y ", b"bearer k3y", b"Basic azN5", b"Bearer other"])
def test_the_local_key_is_needed(value):
    assert code(headers={b"authorization": value}) == "local_key_wrong"


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/gpt-4.1:mini", "/v1/responses/resp_1/input_items"])
def test_plain_paths_go_on(path):
    assert code(path=path) is None


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v1/",
        "/v1/../admin",
        "/v1/%2e%2e/admin",
        "/v1//x",
        "/admin/v1/x",
        "/v1/x?y",
        "/v1/.hidden",
        "/v1/..",
        "/v1/a/./b",
    ],
)
def test_nothing_climbs(path):
    assert code(path=path) == "path_unknown"
