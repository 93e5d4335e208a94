"""Textures of cloth, walls, floors, ground and materials."""
