"""
Complete ingest, proven: a simulated phone system with faults, relay over it, any schedule.
"""
