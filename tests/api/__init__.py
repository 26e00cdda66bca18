"""
What answers HTTP.
"""
