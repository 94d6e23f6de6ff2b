"""Policy as text: what is in force with its rules and lines, and drafts that are tried out and never put in force.

- ``reading.py``: files, rules and versions of the bundle in force.
- ``checking.py``: lint and the bundle's own tests, in the throw-away process; the last report is kept.
"""
