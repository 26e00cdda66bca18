"""
Tests of room 1: phone system to rows.
"""
