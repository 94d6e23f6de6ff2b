"""The verbs of ``ostiary biometrics``, one file each; ``cli/verbs/biometrics.py`` joins them."""
