"""What several methods are built on; the files beside this folder are one method each."""
