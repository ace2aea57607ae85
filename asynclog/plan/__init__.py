"""Census + policy + now -> plan. Pure: no clock, no file, no surprise."""
