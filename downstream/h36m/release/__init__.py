"""The official release of Human3.6M: videos and pose files, and what is made of them."""
