"""Write the files that the command line names."""
