"""The command line: one file a verb; the library does the work."""

from ostiary.cli.app import main

__all__ = ["main"]
