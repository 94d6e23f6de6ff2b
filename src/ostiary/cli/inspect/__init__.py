"""``ostiary inspect`` in files, one a sub-verb: each has ``register(command)``; ``verbs/inspect.py`` finds them."""
