"""A way that refuses fast is no fast way: what is no permission counts as an error."""

from pathlib import Path

import msgspec
import pytest

from ostiary.server.bench import sides
from ostiary.server.bench.rounds import Round

ROUND = Round(9.0, 1.0, 2.0, answered=10, denied=10, errors=0, server_cpu_us=5.0, client_cpu_us=1.0, others=0.0)


@pytest.mark.parametrize(
    ("key", "denied", "errors", "told"), [("pep.secret", 10, 0, 10), ("pep.secret", 4, 4, 4), ("", 10, 0, 0)]
)
def test_what_is_no_permission_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, denied: int, errors: int, told: int
) -> None:
    came = msgspec.structs.replace(ROUND, denied=denied, errors=errors)
    monkeypatch.setattr(sides, "rounds", lambda *_: [came])
    run = sides._Run(tmp_path, sides.Options(), (0,), lambda _: None)
    assert run.side("embedded", "HTTP", (1,), (1,), key).errors == told
