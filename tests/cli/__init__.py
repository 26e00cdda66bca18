"""
The command line, as a function and as a process.
"""
