"""
Tests of room 2: rows to events.
"""
