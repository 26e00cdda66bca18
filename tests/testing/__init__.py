"""The doubles that ship with relay."""
