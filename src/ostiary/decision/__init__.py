"""The one decision: identity, signals, risk and policy joined by a fixed rule."""
