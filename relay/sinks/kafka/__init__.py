"""
Exactly-once publishing to Kafka topics.

Takes: stored events in seq order.  Gives: the seq that Kafka has committed.
May touch: model, sinks.port, telemetry
"""
