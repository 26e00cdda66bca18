"""
The simulated provider of number look-ups.
"""
