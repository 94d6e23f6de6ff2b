"""The signal catalogue: one signal, or one family of close variants, a file; each has a ``SIGNAL``."""

from ostiary.signals.compiled import put_in_front

put_in_front(__path__, __name__)
