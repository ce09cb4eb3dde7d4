"""The library without ``async``: made from ``rung.client.aio`` by ``python3 tools/unasync.py``, link.py excepted."""
