"""Stores behind the ports of the rooms below; chosen only by server and cli."""
