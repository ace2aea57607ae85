"""Access rights in a folder: who owns its files, who may write there, and what a run would lack the right to do."""
