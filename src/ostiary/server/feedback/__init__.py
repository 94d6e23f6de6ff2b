"""What people say of decisions, and what they silence.

- ``book.py``: verdicts on decisions and sessions, kept in the log; ``labels.py``: these as labels with provenance.
- ``suppressions.py``: suppressions, their rules and their preview.
"""
