"""
relay as a process, seen from outside.
"""
