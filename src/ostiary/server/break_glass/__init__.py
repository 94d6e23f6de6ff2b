"""Break-glass in one process: where it is kept, how it is found while deciding, how it is opened and closed."""

from ostiary.server.break_glass.room import GlassRoom, open_glass

__all__ = ["GlassRoom", "open_glass"]
