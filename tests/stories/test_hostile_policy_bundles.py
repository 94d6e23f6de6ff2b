"""Attack: a bundle author tries to break the process that tries the bundle out, or to reach out of it.

Each bundle is refused with a reason, within its limits, and the engine in force stays in force.
"""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ostiary.artifacts.shipped import policies_dir
from ostiary.errors import RefusedError
from ostiary.policy.bundle import Bundle
from ostiary.policy.limits import SandboxLimits
from ostiary.policy.sandbox import admit

FRAME = {
    "g.rego": 'package ostiary.guardrails\ndecision := {"deny": [{"rule": "x", "seen": [p | p := data.evil.p]}]}\n',
    "a.rego": "package ostiary.adaptive\ndecision := {}\n",
    "evil_test.rego": "package evil_test\ntest_evil if data.evil.p\n",
}


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """A server on loopback that notes who calls."""
    calls: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            calls.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", calls
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    "rule",
    [
        'p := http.send({{"method": "get", "url": "{url}"}})',
        'p := http["send"]({{"method": "get", "url": "{url}"}})',
        'p := f if f := http.send({{"method": "get", "url": "{url}"}}).status_code',
        'p := json.match_schema({{}}, {{"$ref": "{url}"}})',
        'p := json.verify_schema({{"$ref": "{url}"}})',
        'p := count("x") with count as http.send',
        'p := net.lookup_ip_addr("localhost")',
        "p := opa.runtime()",
    ],
)
def test_nothing_reaches_out(listener: tuple[str, list[str]], rule: str) -> None:
    url, calls = listener
    with pytest.raises(RefusedError):
        admit(Bundle.of(FRAME | {"evil.rego": "package evil\n" + rule.format(url=url) + "\n"}))
    assert calls == []


@pytest.mark.parametrize("place", ["file:///etc/passwd", "file://localhost/etc/hostname"])
def test_no_file_is_read(place: str) -> None:
    """`json.match_schema` follows `$ref` to files and addresses: found while building this, in OPA 1.20.2."""
    rule = f'p := json.match_schema({{}}, {{"$ref": "{place}"}})'
    with pytest.raises(RefusedError) as refused:
        admit(Bundle.of(FRAME | {"evil.rego": f"package evil\n{rule}\n"}))
    assert "builtin_banned" in refused.value.reasons
    assert "root:" not in refused.value.message


@pytest.mark.parametrize(
    "source",
    [
        "package evil\np := " + "[" * 20_000,
        "package evil\np := " + "(" * 20_000 + "1" + ")" * 20_000,
        "package evil\np := " + '{"a":' * 5_000,
        "package evil\np := `" + "[" * 20_000,
        "package evil\np := " + '$"{' * 1_000,
        "package evil\np := " + "not " * 50_000 + "true",
        "package evil\np := 1" + " + 1" * 50_000,
        "package evil\np := " + "-" * 50_000 + "1",
        "package evil\n" + "# x\n" * 100_000,
        "package evil\n" + "\0" * 1_000,
        "package evil\np := 1\n" * 2_000,
        "package evil\n" + "".join(f"p{n} := p{n + 1}\n" for n in range(3_000)) + "p3000 := p0\n",
        "\ufeffpackage evil\np := 1 if {",
    ],
    ids=range(13),
)
def test_monstrous_sources_end_in_a_refusal_or_a_finding(source: str) -> None:
    with pytest.raises(RefusedError):
        admit(Bundle.of(FRAME | {"evil.rego": source}), SandboxLimits(wall_s=4, cpu_s=4))


def test_a_bad_expression_does_not_hang() -> None:
    """OPA's regular expressions are RE2: no catastrophic backtracking."""
    rule = 'p if regex.match("^(a+)+$", concat("", [x | some _ in numbers.range(1, 5000); x := "a"]))'
    admit(Bundle.of(FRAME | {"evil.rego": f"package evil\n{rule}\n"}), SandboxLimits(wall_s=20))


def test_a_signed_looking_digest_is_of_the_content(tmp_path: Path) -> None:
    """A manifest that claims another bundle's revision does not get its digest."""
    shipped = Bundle.load(policies_dir())
    forged = Bundle.of(FRAME | {"evil.rego": "package evil\np := 1", ".manifest": '{"revision": "ostiary-shipped-1"}'})
    assert forged.revision == shipped.revision
    assert forged.digest != shipped.digest
