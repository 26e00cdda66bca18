"""
The configuration: file, environment, secrets, faults.
"""
