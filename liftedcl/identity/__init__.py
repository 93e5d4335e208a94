"""What identifies a run (recipe, code, provenance), and how wrong input is refused."""
