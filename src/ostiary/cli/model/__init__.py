"""``ostiary model`` in files, one a sub-verb: each has ``register(command)``, and ``verbs/model.py`` finds them all."""
