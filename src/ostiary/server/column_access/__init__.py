"""Who may read which column of a feature set, computed from policy's tables; what is decided is policy's alone."""
