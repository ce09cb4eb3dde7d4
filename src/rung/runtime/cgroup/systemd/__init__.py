"""The systemd driver: cgroups that systemd makes, as transient units, asked for over D-Bus.

marshal.py, message.py and client.py are the D-Bus protocol without I/O, bus.py its socket; names.py and
properties.py decide what a unit is called and is given; driver.py carries it out. Imported where
``--systemd-cgroup`` is given and nowhere else.
"""
