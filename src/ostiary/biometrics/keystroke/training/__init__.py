"""Training of the free-text keystroke model: encoder, PLDA, calibration, card; deterministic given rows and seed.

- Some people are held out of the encoder (a tenth, some hundreds at most): calibration and the card's figures are of
  them alone, for the encoder has seen the others' windows and knows them too well. Where the people are few nobody can
  be spared, and the card says that its figures flatter.
- Each half of the held-out people is told by a PLDA that learned from everybody else; the PLDA in use from everybody.
- Long windows are cut; where people have only a window or two (one long sitting), its pieces count as windows.
"""

from ostiary.biometrics.keystroke.training.run import train

__all__ = ["train"]
