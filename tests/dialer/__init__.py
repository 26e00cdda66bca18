"""
Tests of the loop of a dialer, over a simulated one.
"""
