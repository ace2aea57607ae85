"""The results of earlier scans, in a state folder of its own. A cache: nothing depends on it but time."""
