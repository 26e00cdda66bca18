"""
Measure relay on this machine: `python -m bench`, one JSON object as the last line (docs/performance.md).

Takes: real parts, real files, real processes.  Gives: figures, never a verdict.
May touch: everything of relay, and `tests.services` for a real Kafka
"""
