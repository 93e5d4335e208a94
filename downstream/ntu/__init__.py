"""NTU RGB+D by hand."""
