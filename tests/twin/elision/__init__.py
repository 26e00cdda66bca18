"""
A simulated Elision dialer, held against its document.
"""
