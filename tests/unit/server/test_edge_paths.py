import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.errors import FaultyInputError
from ostiary.server.edge.paths import MAX_TARGET, read_host, read_path
from ostiary.server.edge.routes import Route, RouteTable


def route(name: str, path: str, resource_id: str = "x", **more: str) -> Route:
    return Route.make(name, ("GET",), path, action="read", resource=("doc", resource_id), **more)  # type: ignore[arg-type]


def found(table: RouteTable, target: str, host: str = "h") -> tuple[str, str]:
    matched = table.find("default", "edge", "GET", host, read_path(target)[1])
    return matched.route.name, matched.resource_id


def code(table: RouteTable, target: str) -> str:
    with pytest.raises(FaultyInputError) as no:
        found(table, target)
    return no.value.code


def test_a_path_is_read_once_and_its_query_is_not_looked_at() -> None:
    assert read_path("/a/b%20c/%C3%A9?x=//../%2f") == ("/a/b%20c/%C3%A9", ("a", "b c", "\u00e9"))
    assert read_path("/") == ("/", ("",))
    assert read_path("/a/") == ("/a/", ("a", ""))


@pytest.mark.parametrize(
    "target",
    ["", "a", "*", "http://h/a", "//h/a", "/a#b", "/a b", "/%", "/%4", "/%ff", "/%c0%ae", "/e%CC%81", "/%EF%BC%8F",
     "/a%E2%80%8B", "/..", "/.", "/a/..", "/...", "/%7e", "/a|b", "/a\x00", "/" + "a" * MAX_TARGET, "/a" * 65],
)  # fmt: skip
def test_what_is_no_one_path_is_refused(target: str) -> None:
    with pytest.raises(FaultyInputError):
        read_path(target)


@given(st.text(max_size=60) | st.from_regex(r"(/[a-z.%0-9;A-F~]{0,6}){1,5}", fullmatch=True))
def test_whatever_is_read_decodes_the_same_everywhere(target: str) -> None:
    try:
        path, segments = read_path(target)
    except FaultyInputError:
        return
    # Neither dropping what encodings hide nor folding the path changes where it leads.
    assert not {".", ".."} & set(segments)
    assert "" not in segments[:-1]
    assert all(mark not in one for one in segments for mark in "/\\%;?#")
    assert path.count("/") == len(segments)


@given(st.text(max_size=40))
def test_a_host_is_read_in_one_form_or_refused(raw: str) -> None:
    try:
        host = read_host(raw)
    except FaultyInputError:
        return
    assert read_host(host) == host == host.lower()


def test_hosts() -> None:
    assert read_host("API.Example") == "api.example"
    assert read_host("h:80") == read_host("h:443") == "h"
    assert read_host("h:8443") == "h:8443"
    assert read_host("[::1]:8443") == "[::1]:8443"
    for none in ("h.", "-h", "h:", "h:99999", "[::0001]", "h,k", "h h", "\u212a"):
        with pytest.raises(FaultyInputError):
            read_host(none)


def test_the_first_route_that_fits_counts() -> None:
    table = RouteTable(
        (route("admin", "/docs/admin"), route("one", "/docs/{id}", "d/{id}"), route("rest", "/docs/{all*}", "{all}"))
    )
    assert found(table, "/docs/admin") == ("admin", "x")
    assert found(table, "/docs/7") == ("one", "d/7")
    assert found(table, "/docs/7/a%20b") == ("rest", "7/a b")
    assert code(table, "/docs") == "edge_no_route"
    assert code(table, "/docs/") == "edge_no_route"


@pytest.mark.parametrize("target", ["/docs/ADMIN", "/Docs/admin", "/docs/admin/"])
def test_what_an_upstream_may_take_for_an_earlier_route_is_no_later_one(target: str) -> None:
    table = RouteTable((route("admin", "/docs/admin"), route("rest", "/{all*}", "{all}")))
    assert code(table, target) == "path_ambiguous"


def test_a_route_is_one_tenants_hosts_and_proxies() -> None:
    table = RouteTable((route("a", "/a", host="Other.example"), route("b", "/{x}", "{x}", tenant="acme")))
    assert found(table, "/a", "other.example") == ("a", "x")
    with pytest.raises(FaultyInputError):
        found(table, "/a", "h")
    assert table.find("acme", "edge", "GET", "h", ("q",)).resource_id == "q"


@pytest.mark.parametrize(
    ("path", "resource_id"),
    [("a", "x"), ("/{a}/{a}", "x"), ("/{a*}/b", "x"), ("/{A}", "x"), ("/a{b}", "x"), ("/a", "{id}"), ("/a//b", "x"),
     ("/../a", "x"), ("/%41", "x")],
)  # fmt: skip
def test_patterns_that_cannot_be_meant_are_refused_at_the_start(path: str, resource_id: str) -> None:
    with pytest.raises(ValueError, match="`"):
        route("r", path, resource_id)
