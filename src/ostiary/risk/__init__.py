"""Gradient-boosted access risk: features to a calibrated score to reasons in words."""
