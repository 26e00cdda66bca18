"""
ROOM 2: turn records into legs, legs into calls, and what changed into events.

Takes: fresh records and what the journal knows near them.  Gives: legs, calls, events, rejects.
May touch: model.  Pure functions: no await, no clock, no I/O.
"""
