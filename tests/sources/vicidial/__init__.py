"""
Tests of what a VICIdial server answers, and of asking one.
"""
