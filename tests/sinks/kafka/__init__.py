"""
Tests of the Kafka sink, against a real broker.
"""
