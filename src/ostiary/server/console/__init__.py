"""The console's server side: who signs in, which page needs what, and one question to the decision for each click.

- ``people``, ``sessions``, ``cookies``, ``signing_in``: who a browser is.
- ``routes``: what there is, each with the action and the area that policy is asked about; ``pages`` holds them.
- ``visit``: one request of one person; ``asking``: its question; ``answering``: from request to reply.
"""
