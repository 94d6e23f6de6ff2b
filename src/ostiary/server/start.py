"""``python -m ostiary.server.start LISTENER CHANNEL OPTIONS``: a worker's process from its first line.

What a server needs takes half a second to import, and a fifth of that went into looking for garbage among objects that
live as long as the process: its pace is set before anything of size is imported.
"""

import os
import sys

from ostiary.server.tuning import seldom


def main(arguments: list[str]) -> int:
    """Run one worker from its command line; return the exit code."""
    seldom()
    from ostiary.server import worker  # noqa: PLC0415 - see above

    return worker.main(arguments)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Not `sys.exit`: a thread that is stuck in the policy engine would be waited for.
    os._exit(code)
