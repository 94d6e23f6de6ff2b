"""``ostiary dataset``: register, list, show and remove datasets; upload, sign and verify what lies in them."""

from cyclopts import App

from ostiary.cli.dataset import content, registering

command = App(name="dataset", help="Datasets behind the door: where they lie, who may use them, what vouches for them.")
registering.register(command)
content.register(command)
