"""What can be done with a container: one file an operation, each a function that takes the engine.

Rule: each takes the container's lock, checks its state, does, writes down, tells. What fails half way is undone.
"""
