"""What both Human3.6M benchmarks share: names, cameras, recipes, predictions, MPII mixed in, the 3D prior."""
