"""
Web pages for people who look rather than read.

Takes: requests.  Gives: pages.
May touch: model, telemetry, and the ports of journal and sinks
"""
