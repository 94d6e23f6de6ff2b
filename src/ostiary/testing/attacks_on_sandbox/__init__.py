"""Eighty ways out of a training sandbox, for the suite and for whoever doubts: they run inside, as the command.

They share no code with the probes that every start makes. Each attack returns words when it got through, and nothing
(or an error) when it did not. They need a plain interpreter, and nothing of Ostiary but this package: ``to_copy()``
gives what to copy in, ``script.main()`` tries everything and prints one JSON object.
"""

from pathlib import Path

MAIN = "from ostiary.testing.attacks_on_sandbox.script import main; main()"


def to_copy() -> dict[str, str]:
    """Return the package's files, by where they belong below the folder that the script runs in."""
    below = "ostiary/testing/attacks_on_sandbox"
    return {f"{below}/{path.name}": path.read_text() for path in sorted(Path(__file__).parent.glob("*.py"))}
