"""Generated people: body, pose, garments, accessories."""
