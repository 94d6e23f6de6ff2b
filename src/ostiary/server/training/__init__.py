"""Training runs of this deployment: the house's decisions, records and keys around ``pipeline.training``."""
