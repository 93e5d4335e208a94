"""Building blocks of several methods; each file beside this folder is one method."""
