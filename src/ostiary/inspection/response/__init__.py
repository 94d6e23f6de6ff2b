"""What a model answers is looked into before it leaves: secrets, people's numbers, canaries, foreign documents, links.

Streaming-safe by construction: nothing leaves while it may still be part of a find (``scan.py``, ADR-0033).

>>> Leaks().scan().feed("hello, ")
'hello, '
"""

from ostiary.inspection.response.fan import StreamFan
from ostiary.inspection.response.leaks import Document, Leaks
from ostiary.inspection.response.scan import Scan
from ostiary.inspection.response.settings import DEFAULT_ACTIONS, INCIDENTS, Action, LeakSettings

__all__ = ["DEFAULT_ACTIONS", "INCIDENTS", "Action", "Document", "LeakSettings", "Leaks", "Scan", "StreamFan"]
