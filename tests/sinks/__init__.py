"""
Tests of the sinks.
"""
