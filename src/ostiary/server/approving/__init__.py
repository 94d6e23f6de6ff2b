"""Approvals as people meet them: what is shown, the page, how an outcome is told.

- ``shown``: one form of a proposal for the API, the command line and the page; ``changes``: what it would change.
- ``pages``: the page; ``server/faces/approvals.py`` answers the requests.
- ``asking``: who asks, by whose key. ``telling``: outcomes go to the tenant's sinks.
"""
