"""The product's own measurements: what one decision costs, in the process and over HTTP, beside OPA alone.

Nothing here judges: figures are medians of repeated runs on the machine at hand, with the machine's load beside them.
"""
