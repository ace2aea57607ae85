"""Who may do what in a folder: whose its files are, who may write there, and what a run would lack the right to do."""
