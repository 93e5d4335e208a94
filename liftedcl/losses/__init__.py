"""The contrastive losses."""
