"""The signal catalogue: one signal, or one family of close variants, a file; each has a ``SIGNAL``."""
