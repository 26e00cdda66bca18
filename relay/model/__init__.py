"""
The shared words: event, call, leg, ids, times, numbers, outcomes, errors, the event catalogue.

Takes: values.  Gives: values.
May touch: nothing; no I/O, no clock, no other room.
"""
