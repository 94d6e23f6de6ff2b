"""How the learned detectors of injections are made and measured: sources, folds, examples, fits, thresholds, card."""
