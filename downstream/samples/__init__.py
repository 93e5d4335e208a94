"""People as samples: crops, their augmentation, what a network gets, and drawings on them."""
