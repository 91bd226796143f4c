"""Auto-deleveraging: how a venue does it, and in which order it reaches for counterparties."""
