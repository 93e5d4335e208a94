"""What Snakemake needs beside its rules: paths, data-set checks and the tables. No torch here."""
