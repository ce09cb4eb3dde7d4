"""Commands over the engine's API: docker's, declared as tables (``rung.cli.flags``).

Rule: a function here asks the engine and prints; only the module of the command that is called is imported.
"""
