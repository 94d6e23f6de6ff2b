"""``ostiary rag``: make indexes of sources with their own rights, and search them under yours."""

from cyclopts import App

from ostiary.cli.rag import administering, searching

command = App(name="rag", help="Retrieval under the asker's own rights.")
administering.register(command)
searching.register(command)
