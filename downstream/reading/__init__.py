"""Readers that check what they read: annotations, archives, frames."""
