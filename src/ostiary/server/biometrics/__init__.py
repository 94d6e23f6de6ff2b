"""Behaviour as it comes from browsers: the script, who agreed, and the way of a window to whoever judges it."""
