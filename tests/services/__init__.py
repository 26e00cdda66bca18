"""
Real servers that tests start for themselves: Kafka and PostgreSQL.
"""
