"""
The only loops: poll (rooms 1, 2, 3), deliver (3, 4), publish (3, 4), housekeeping.

Takes: ports.  Gives: nothing; runs until told to stop.
May touch: model, normalise, telemetry, and the ports of sources, journal and sinks
"""
