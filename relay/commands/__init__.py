"""
What users may make a phone system do: the function catalogue and its execution.

Takes: a function name and its parameters.  Gives: a verdict.
May touch: model, telemetry, and the ports of sources and journal
"""
