"""
The operator's words: one TOML file, environment overrides, secrets; all faults reported at once.

Takes: a file and the environment.  Gives: a checked RelayConfig.
May touch: model
"""
