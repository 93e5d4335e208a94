"""``python -m workflow.cite TABLE.csv``: BibTeX of what a table was made with."""
