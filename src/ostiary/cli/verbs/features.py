"""``ostiary features``: register feature sets; query, look up, write and explain them, column by column."""

from cyclopts import App

from ostiary.cli.features import calling, readers, registering

command = App(name="features", help="Feature sets: who sees which of their columns, offline and online.")
registering.register(command)
calling.register(command)
readers.register(command)
