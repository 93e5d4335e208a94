"""``python -m workflow.create``: a new method or benchmark as files that run at once; their templates are here."""
