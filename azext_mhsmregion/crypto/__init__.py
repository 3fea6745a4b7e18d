"""Key material: make, load, sign, wrap, split (DESIGN section 1, floor 1).

The files import pyca/cryptography and the standard library, and nothing else of ours. This one
imports nothing, so that a command pays only for the parts that it uses.
"""
