"""Pointer dynamics: who moves, clicks and drags like this? Kind ``pointer-conv``.

- Steps, waits and buttons are all that is read: no position, no target, nothing of what lies under the pointer.
- Straight streams are read in blocks of 128 events (``tensor.py``, ``shapes.py``), relayed ones as actions on a steady
  grid (``steady.py``, ``actions.py``), in which the intervals of delivery cannot be seen (ADR-0055).
"""

from ostiary.biometrics.pointer.model import KIND, PointerModel, load

__all__ = ["KIND", "PointerModel", "load"]
