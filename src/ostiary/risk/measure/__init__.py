"""Measuring a model: ranking, recall at low false-positive rates, calibration, with intervals."""
