"""``python -m workflow.status``: what is done, running, failed, stale and missing, and the hours left."""
