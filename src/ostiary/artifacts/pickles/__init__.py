"""What a pickle would do, told without doing it: opcodes read one by one, values followed by name only.

- Nothing is imported, called or built. ``pickletools`` gives the table of opcodes and nothing else.
- What is not on the allow-list is refused; what cannot be followed is refused.
"""

from ostiary.artifacts.pickles.machine import runs_code, walk
from ostiary.artifacts.pickles.told import Event, Walk

__all__ = ["Event", "Walk", "runs_code", "walk"]
