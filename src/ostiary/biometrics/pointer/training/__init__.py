"""Training of the pointer model: what reads windows, what a score means, and a card; deterministic given rows and seed.

- Streams straight from browsers and desktops train an encoder and directions of hand-made shapes; relayed streams train
  a forest over actions, in which the intervals of delivery cannot be seen. Which is which is told by the rows alone.
- Everything is trained twice: without some people (or, where these are few, without everybody's last session), to learn
  from those what scores mean and to measure; then on all, which is what is kept.
"""

from ostiary.biometrics.pointer.training.run import train

__all__ = ["train"]
