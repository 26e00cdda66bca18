"""
Signed HTTP requests to registered endpoints.

Takes: a Delivery.  Gives: an Outcome.
May touch: model, sinks.port, telemetry, config
"""
