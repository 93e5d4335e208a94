"""Reading and writing files: whole or not at all, and a damaged one is named."""
