"""Remote APIs, simulated: their byte shapes, their limits, their bad days, and what must be known in the end.  See README.md."""
