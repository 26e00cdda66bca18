"""
What SREs see: metrics (all declared in one file), logs, health.

Takes: facts.  Gives: Prometheus families, JSON lines, health answers.
May touch: model
"""
