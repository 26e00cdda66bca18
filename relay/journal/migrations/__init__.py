"""
Alembic migrations of the journal: forward only, expand before contract.
"""
