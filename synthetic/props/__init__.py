"""Things that stand around generated people."""
