"""The kernel against the exact reader and the slow judge, over lines of every kind: `make fuzz`."""
