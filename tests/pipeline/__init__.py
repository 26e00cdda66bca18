"""
Tests of the loops.
"""
