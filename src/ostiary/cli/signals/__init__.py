"""The parts of ``ostiary signals``."""
