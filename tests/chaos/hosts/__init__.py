"""The chaos test on several hosts (``CHAOS_ON=hosts``), each of which is a network namespace of this machine
with its own ``VAR_DIR``: two web, three worker and two scheduler hosts behind nginx, PostgreSQL and Redis
apart from them, the recovery log in a second PostgreSQL, and the partners in another namespace. Hosts vanish
with their disks, lose the network, have a wrong clock and are upgraded one by one.

It needs Linux, root, ``ip``, nginx, PostgreSQL, and redis-server; ``requirements.py`` says what
is missing.
"""
