"""Ostiary: a self-hosted Zero Trust control plane for AI systems.

The rooms of this package and who may import whom are told in ``ARCHITECTURE.md``;
import-linter holds the code to it.
"""

__version__ = "0.1.0"
