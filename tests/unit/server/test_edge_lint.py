import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.cli.verbs.edge import check
from ostiary.errors import FaultyInputError, RefusedError, UnavailableError
from ostiary.server.edge.lint import lint


def text(repo: Path, name: str) -> str:
    return (repo / "deploy" / name).read_text()


def codes(told: str) -> set[str]:
    return {one.code for one in lint(told)}


@pytest.mark.parametrize("name", ["envoy/envoy-http.yaml", "envoy/envoy-grpc.yaml", "nginx/ostiary.conf"])
def test_what_is_shipped_lets_nobody_through(repo: Path, name: str) -> None:
    assert lint(text(repo, name)) == []


ENVOY = [
    ("failure_mode_allow: false", "failure_mode_allow: true", "edge_fails_open"),
    ("allow_partial_message: false", "allow_partial_message: true", "edge_body_cut"),
    ("prefix: x-ostiary-, ignore_case", "prefix: x-other-, ignore_case", "edge_not_stripped"),
    ("patterns: [{ prefix: x-ostiary- }]", "patterns: [{ exact: x-ostiary-subject }]", "edge_headers_kept"),
    ("normalize_path: true", "normalize_path: false", "edge_path_raw"),
    ("headers_with_underscores_action: REJECT_REQUEST", "idle_timeout: 1s", "edge_underscores"),
    ("path_with_escaped_slashes_action: REJECT_REQUEST", "stat_prefix: x", "edge_escaped_slashes"),
    ("ext_authz.v3.ExtAuthz", "router.v3.Router", "edge_not_asked"),
]


@pytest.mark.parametrize(("good", "bad", "code"), ENVOY)
def test_what_envoy_would_let_through_is_found(repo: Path, good: str, bad: str, code: str) -> None:
    shipped = text(repo, "envoy/envoy-http.yaml")
    assert good in shipped
    assert code in codes(shipped.replace(good, bad))


NGINX = [
    (r"proxy_set_header X-Ostiary-Subject [^;]*;", "", "edge_headers_kept"),
    (r"auth_request /_ostiary;", "", "edge_not_asked"),
    (r"underscores_in_headers off;", "underscores_in_headers on;", "edge_underscores"),
    (r"internal;", "", "edge_open_question"),
    (r"error_page 401 @ostiary_401;", "error_page 500 =200 /ok;", "edge_fails_open"),
    (r"auth_request /_ostiary;", "auth_request /_ostiary; satisfy any;", "edge_fails_open"),
    (r"proxy_pass http://application;", "proxy_pass http://application/v2/;", "edge_path_changed"),
    (r"\$request_uri", "$uri", "edge_path_raw"),
]


@pytest.mark.parametrize(("good", "bad", "code"), NGINX)
def test_what_nginx_would_let_through_is_found(repo: Path, good: str, bad: str, code: str) -> None:
    shipped = text(repo, "nginx/ostiary.conf")
    assert code in codes(re.sub(good, lambda _: bad, shipped))


@given(st.text(max_size=200) | st.from_regex(r"(server|a: |- |\{|\}|\n| ){0,20}", fullmatch=True))
def test_any_text_has_remarks_or_a_code(told: str) -> None:
    try:
        assert lint(told)
    except FaultyInputError as no:
        assert no.code == "edge_file_invalid"  # noqa: PT017 - the other end of what may happen


def test_a_file_that_multiplies_is_cut_short() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "\n".join(
        f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    with pytest.raises(FaultyInputError):
        lint(bomb)


def test_the_verb(repo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shipped = repo / "deploy" / "envoy" / "envoy-http.yaml"
    check(shipped)
    assert "0 errors, 0 warnings" in capsys.readouterr().out
    bad = tmp_path / "envoy.yaml"
    bad.write_text(shipped.read_text().replace("failure_mode_allow: false", "failure_mode_allow: true"))
    with pytest.raises(RefusedError) as no:
        check(bad, json=True)
    assert (no.value.code, no.value.exit_code) == ("edge_fails_open", 3)
    assert '"edge_fails_open"' in capsys.readouterr().out
    with pytest.raises(UnavailableError):
        check(tmp_path / "none")
