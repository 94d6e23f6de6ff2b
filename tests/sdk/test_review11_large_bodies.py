"""A part of a large body that outlives a fault, as in a fault's frames, looks at memory that is there."""

import socket
import subprocess
import sys
import threading

import pytest

from ostiary_sdk.datasets import OstiaryFileSystem

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


class Nobody:
    def headers(self, method: str, url: str) -> dict[str, str]:
        return {}


@pytest.mark.parametrize("promised", [2**62, 2**63, 2**64 + (16 << 20)])
def test_a_door_that_promises_more_than_there_is_room_for_is_a_door_that_fails(promised: int) -> None:
    """A length beyond 64 bits is another number in C: nothing may be made by it."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            line, _ = server.accept()
            with line:
                line.recv(65_536)
                line.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\nbody" % promised)

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        fs = OstiaryFileSystem(endpoint=url, tokens=Nobody(), skip_instance_cache=True)
        with pytest.raises(OSError, match="more bytes than there is room for"):
            fs.cat_file("sales/a")
        assert not fs._doorway._idle
        fs.close()
        thread.join()
