"""The steps that runs are made of."""
