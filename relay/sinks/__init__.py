"""
ROOM 4: hand events to the outside.

Takes: events as the journal holds them.  Gives: an Outcome for each.
May touch: model, telemetry, config
"""
