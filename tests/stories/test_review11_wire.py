"""The campaign lays a wire for each deployment: whoever still talks over the last one does not take the next away.

Without it every deployment but the first would be spared lost packets, and the report would say that root was missing.
"""

import os
import shutil
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or not all(map(shutil.which, ("ip", "nft"))),
    reason="root alone may make a network namespace, with `ip` and `nft`",
)


def test_a_wire_is_laid_again_while_somebody_still_talks_over_the_last(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(repo))
    from benchmarks.faults.wire import Wire  # noqa: PLC0415 - found by the line above

    first = Wire.open()
    if first is None:
        pytest.skip("no network namespace may be made here")
    with (Path("/run/netns") / f"ostiary-{os.getpid()}").open("rb"):  # as an open socket does, it keeps it alive
        first.close()
        again = Wire.open()
        assert again is not None
        again.close()
