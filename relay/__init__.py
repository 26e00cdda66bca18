"""
Poll phone systems; hand every call event to webhooks and Kafka, complete, once and in order.

The rooms, in the order in which an event passes them: sources, normalise, journal, sinks.
`pipeline` has the only loops; `assembly` is the only module that knows the implementations.
"""
