"""Access requests in one process: asking, answering, and finding what was granted while deciding."""

from ostiary.server.access.room import AccessRoom, open_access

__all__ = ["AccessRoom", "open_access"]
