"""Raw requests of Docker's Engine API, sent to Docker's daemon and to Rung's: the same answers.

step.py      what is sent, as data
wire.py      one request over a unix socket
normal.py    ids, times and sizes out of an answer
play.py      a scenario on one daemon
*_table.py   the scenarios
"""
