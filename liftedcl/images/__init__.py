"""Where pictures come from: person crops, packed shards, and batches of them."""
