"""
The loop of a dialer: agents, groups, calls and logs, asked for by function and put together.

Takes: a source of functions.  Gives: events in the journal.
May touch: model, normalise, telemetry, and the ports of sources and journal
"""
