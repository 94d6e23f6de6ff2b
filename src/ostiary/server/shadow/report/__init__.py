"""The shadow report: what a control or a candidate would have done to people, from the true log."""
