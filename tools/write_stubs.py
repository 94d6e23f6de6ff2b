"""Compiles the messages of Envoy's ext_authz (``server/edge/stubs``) anew: ``python tools/write_stubs.py``.

A test says when they are stale. They need grpcio-tools, which only working on Ostiary does.
"""

import sys
from pathlib import Path

from grpc_tools import protoc

STUBS = Path(__file__).parent.parent / "src" / "ostiary" / "server" / "edge" / "stubs"


def write(target: Path) -> None:
    """Write the module and its types into the folder ``target``."""
    wanted = (f"-I{STUBS}", f"--python_out={target}", f"--pyi_out={target}", "ext_authz.proto")
    if protoc.main(["protoc", *wanted]):
        sys.exit("the messages could not be compiled")


if __name__ == "__main__":
    write(STUBS)
