"""Pure decisions: margin, the ladder, the store and its kernels; no clock, no log, no network, no environment."""
