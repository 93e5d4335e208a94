"""Backbones, and the networks that methods add to them."""
