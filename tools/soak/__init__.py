"""``make soak``: one engine under every verb of its API and random kills, and what is left of it afterwards.

    main.py        arguments, phases, exit status
    subject.py     the engine: its own directories, network namespace and cgroup parent; restarts
    record.py      what was done and what was acknowledged: lives, verbs, kills, errors, faults
    workload.py    what containers run, and what their logs and exit statuses must be
    session.py     one client: a thread that begins one life after another
    lives.py       a container's life through the Python library, from create to remove
    verbs.py       what is done to a container while it runs
    commands.py    lives through the ``rung`` command
    networks.py, volumes.py, images.py    lives that use these
    kills.py       the thread that kills the engine, its zygote, its workers and shims; clients that are killed
    leftovers.py   everything of an engine that can be counted: what is there after and was not there before
    memory.py      resident memory of engine, zygote and worker
    report.py      the report, as text and as JSON

Rule: a client knows what its containers were told to do. An outcome that nothing explains (no kill of its shim,
no stop, no engine that was away) is a fault, and the exit status is 1.
"""
