"""
Tests of the journal.
"""
