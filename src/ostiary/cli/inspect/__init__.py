"""``ostiary inspect`` in files, one a sub-verb: each has ``register(command)``, and ``verbs/inspect.py`` finds them all."""
