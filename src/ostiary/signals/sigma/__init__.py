"""Sigma rules over our own events: read with line numbers, compiled to predicates, nothing silently left out."""
