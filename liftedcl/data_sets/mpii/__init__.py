"""MPII."""
