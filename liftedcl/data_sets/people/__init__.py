"""One's own pictures of people."""
