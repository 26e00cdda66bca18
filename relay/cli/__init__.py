"""
The command line.

Takes: arguments.  Gives: text, tables, JSON, an exit code (0 ok, 1 failed, 2 usage or configuration).
May touch: assembly, config, model, telemetry, twin, testing
"""
