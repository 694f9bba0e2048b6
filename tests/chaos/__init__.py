"""The fault machine: the real processes, a driver that plays recruiters and Justifacts' staff, an
injector that breaks everything meanwhile, and an audit of three ledgers in the end.

    python -m tests.chaos        CHAOS_ORDERS=60 CHAOS_SEED=7 CHAOS_ON=embedded|services CHAOS_DIALECTS=off

Both sides of the sandbox write in dialects (``dialects.py``), drawn from the seed as well.

What is done and broken, and when, is a plan made from the seed alone (``plan.py``): the same seed, the
same plan. Processes run as they like, so two runs of one plan differ in the details; that is the point.
"""
