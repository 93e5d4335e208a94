"""Backbones, and the networks that methods put on them."""
