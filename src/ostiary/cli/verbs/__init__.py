"""One module a verb; each has a ``command``: a function or a cyclopts ``App`` with sub-commands."""
