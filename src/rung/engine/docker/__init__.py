"""The Docker Engine API, v1.24 to 1.47: HTTP at one edge, the engine's functions at the other.

    server.py     connections: requests in, answers out, upgrades
    routes.py     which request is whose
    *.py          one file a group of endpoints: parse, call, answer
    views.py      the engine's things as Docker shows them
"""
