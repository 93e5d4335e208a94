"""``python -m workflow.why``: what would run, and which change caused it."""
