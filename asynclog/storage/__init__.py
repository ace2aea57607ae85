"""Where segments live: their names, their bytes, and who claims them."""
