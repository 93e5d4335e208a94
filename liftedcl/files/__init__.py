"""Reading and writing files: they are written whole or not at all, and errors name a damaged one."""
