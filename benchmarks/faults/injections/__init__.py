"""Kinds of faults, one idea a file."""
