"""The model driven by seeded random commands, faults, clocks and clients, checked after every step."""
