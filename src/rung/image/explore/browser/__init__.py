"""The terminal browser of ``rung image explore``: a state, keys that change it, and how it is drawn."""
