"""The user's own images of people."""
