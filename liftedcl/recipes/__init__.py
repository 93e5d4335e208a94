"""The numbers of every stage, as frozen dataclasses. No torch here: Snakemake reads them."""
