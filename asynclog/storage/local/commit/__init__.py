"""Replace or drop one segment without losing a line; finish what a killed job left."""
