"""The verbs of ``ostiary risk``, one file each; ``cli/verbs/risk.py`` joins them."""
