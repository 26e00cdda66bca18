"""
ROOM 3: the durable store, and the only truth.

Takes: appends and settlements.  Gives: what is known, what is due, what was published.
May touch: model, telemetry.  The only place that knows SQL.
"""
