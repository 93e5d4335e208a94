"""From a file of another code to a backbone's own tensors: names, conversions, position embeddings, a trial."""
