"""A part of a large body that outlives a fault, as in a fault's frames, looks at memory that is there."""

import subprocess
import sys

SCRIPT = """
from ostiary_sdk.datasets.large import LARGE, received

def breaks_off(view):
    view[:5] = b"hello"
    kept.append(memoryview(view)[:5])
    raise ConnectionResetError

kept = []
for _ in range(3):
    try:
        received(2 * LARGE, breaks_off)
    except ConnectionResetError:
        pass
print(*(bytes(one).decode() for one in kept))
"""


def test_what_is_kept_of_a_body_that_broke_off_is_still_there() -> None:
    told = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout.split()) == (0, ["hello"] * 3), told.stderr
