"""
The shared words.
"""
