"""`make bench-nightly`: what a job costs that runs every night, on logs of 1,000 to 100,000 segments."""
