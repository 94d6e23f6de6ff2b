"""The sub-verbs of ``ostiary approvals``, imported only when one of them is asked for."""
