"""
A simulated dialer, held against what a real one answered.
"""
