"""``python -m workflow.compare A B``: what differs along the chains of two cells, rows or commits."""
