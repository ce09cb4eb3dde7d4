"""The library in ``async``. ``rung.client.blocking`` is made from these files: ``python3 tools/unasync.py``."""
