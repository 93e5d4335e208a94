"""What a run is: its recipe, its code, where it comes from, and how a wrong one is refused."""
