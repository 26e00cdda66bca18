"""
What answers HTTP: metrics, health, REST.

Takes: requests.  Gives: answers.
May touch: model, telemetry, and the ports of journal and sinks
"""
