"""Configurations of nginx that look guarded and are not: a location beside the guarded one, a refusal that passes."""

from pathlib import Path

import pytest

from ostiary.errors import FaultyInputError
from ostiary.server.edge.lint import lint

SHIPPED = (Path(__file__).resolve().parents[2] / "deploy" / "nginx" / "ostiary.conf").read_text()
END = "    location = /_ostiary {"


def found(text: str) -> set[tuple[str, str]]:
    return {(one.level, one.code) for one in lint(text)}


def test_the_shipped_file_has_no_fault() -> None:
    assert found(SHIPPED) == set()


@pytest.mark.parametrize(
    "location",
    [
        "location /api/ { proxy_pass http://application; }",
        "location ~ \\.php$ { fastcgi_pass unix:/run/php.sock; }",
        "location = /x { if ($arg_a) { set $b 1; } grpc_pass grpc://application; }",
        "location /deep { location /deep/er { uwsgi_pass application; } }",
    ],
)
def test_a_location_beside_the_guarded_one_is_found(location: str) -> None:
    assert ("error", "edge_route_unasked") in found(SHIPPED.replace(END, f"    {location}\n{END}"))


def test_a_location_below_a_guarded_server_is_guarded() -> None:
    text = SHIPPED.replace("    location / {", "    auth_request /_ostiary;\n    location / {", 1)
    assert found(text.replace(END, f"    location /api {{ proxy_pass http://application; }}\n{END}")) == set()


def test_a_location_that_says_so_asks_nobody() -> None:
    text = SHIPPED.replace(END, f"    location /open {{ auth_request off; proxy_pass http://application; }}\n{END}")
    assert found(text) == {("warning", "edge_route_unasked")}


def test_a_location_inside_a_guarded_one_is_guarded() -> None:
    inner = "location / {\n        location /deep { proxy_pass http://application; }"
    assert found(SHIPPED.replace("location / {", inner, 1)) == set()


def test_a_file_of_nothing_but_locations_is_refused_soon() -> None:
    with pytest.raises(FaultyInputError):
        lint("auth_request /x;\nserver {\n" + "location / {" * 80_000)


@pytest.mark.parametrize(
    "refusal", ["error_page 403 @open;", "error_page 401 403 = @open;", "error_page 500 502 503 @open;"]
)
def test_a_refusal_that_ends_in_the_application_is_found(refusal: str) -> None:
    there = "    location @open { proxy_pass http://application; }\n"
    text = SHIPPED.replace("error_page 403 @ostiary_403;", refusal).replace(END, there + END)
    assert ("error", "edge_fails_open") in found(text)


@pytest.mark.parametrize("refusal", ["error_page 403 =200 /ok;", "error_page 401 403 =204 @x;"])
def test_a_refusal_that_is_told_as_a_success_is_found(refusal: str) -> None:
    assert ("error", "edge_fails_open") in found(SHIPPED.replace("error_page 403 @ostiary_403;", refusal))
