"""Connectors: each reads documents together with the rights that their own source gives."""
