"""3D human shape (RSC-Net), tested on 3DPW."""
