"""The independent verifier: it believes keys and mathematics, and nothing that the log says about itself.

- It shares no code with the writer (import-linter contract): its own trees, notes, entry parser and diagnosis.
- It reads a log from a folder of tile files, over HTTP, or from a data directory through ``LogSource``.
- It compares the log with what it remembers from last time and with what witnesses cosigned, and names the attack.
"""

from ostiary.audit.verifier.memory import Memory
from ostiary.audit.verifier.report import Attack, Finding, Report
from ostiary.audit.verifier.verify import Verifier

__all__ = ["Attack", "Finding", "Memory", "Report", "Verifier"]
