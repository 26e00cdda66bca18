"""
ROOM 1: ask a phone system what happened; hand back its records untouched.

Takes: a Window.  Gives: a Pull (raw records, and what they prove).
May touch: model, telemetry, config
"""
