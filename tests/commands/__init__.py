"""
The catalogue of vendors' functions.
"""
