"""The synchroniser's decisions: pure values in, pure values out. No clock, no randomness, no I/O, no Django."""
