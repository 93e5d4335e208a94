"""NTU RGB+D."""
