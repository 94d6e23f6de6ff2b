"""The registry's sub-verbs of ``ostiary model``, a file a group; ``cli.model.registry`` names them."""
