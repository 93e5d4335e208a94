"""``python -m workflow.page``: results/ as one page to explore, results/index.html."""
