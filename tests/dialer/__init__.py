"""
A dialer, proven: a simulated floor of agents, relay over it, by one clock.
"""
