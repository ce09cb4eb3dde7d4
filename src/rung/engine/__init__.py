"""Rung 4, the engine: containers on one host.

So far its thinnest part: one container in the foreground, from an image or a directory
(``foreground.py``), configured as Docker configures a container by default (``defaults.py``).
"""
