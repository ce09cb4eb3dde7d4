"""Outside clients and suites against an OCI runtime given by its path.

Nothing here imports Rung: every test speaks a command line, a socket or a file that
a standard or another project defined. What the programs of others do is the measure;
wherever it is sensible a test runs the same thing with runc and compares.

``RUNG_CONFORMANCE_RUNTIME``  the runtime under test; without it this tree's ``rung-runtime``
``RUNG_CONFORMANCE_REFERENCE``  the runtime to compare with; without it ``runc`` of ``PATH``
"""
