"""The simulated phone systems and the audit."""
