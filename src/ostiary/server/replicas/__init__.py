"""Several `ostiary serve` over one store: who does what runs once, and how soon each sees what the others did."""

from ostiary.server.replicas.together import Together, alone, open_together

__all__ = ["Together", "alone", "open_together"]
