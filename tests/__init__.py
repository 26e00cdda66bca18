"""
Tests of relay; folders mirror the rooms.
"""
