"""
Look-ups of numbers at a provider, the simulated one and odder ones.
"""
