"""
Simulated phone systems for demo, tests and benchmarks, and the audit of relay against their truth.

Takes: a seed and the vendor's rules.  Gives: the vendor's API, and the ground truth.
May touch: model
"""
