"""One file a face of the server, found by its function ``face``: see ``server/desk.py``."""
