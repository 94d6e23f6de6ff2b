"""The decisions of the log as columns: what is asked of them, and who keeps them."""
