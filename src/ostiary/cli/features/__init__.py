"""What ``ostiary features`` is made of: administrators on the data directory, and callers of a running server."""
