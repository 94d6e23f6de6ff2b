"""Candidates beside the live ones: run after the answer, apart from it, and counted to the last one."""
