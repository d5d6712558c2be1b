"""The pure core: values in, values out. No socket, file, clock, randomness, log or span."""
