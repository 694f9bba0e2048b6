"""The chaos test: runs the real processes, plays recruiters and Justifacts' staff, injects faults meanwhile,
and finally compares the three records of what happened (the driver's, the sandbox's and the portal's).

    python -m tests.chaos       CHAOS_ORDERS=60 CHAOS_SEED=7 CHAOS_ON=services|hosts CHAOS_DIALECTS=off

The plan (``plan.py``) of actions and faults depends on the seed only, and so do the dialects of the partners
(``dialects.py``). The timing of processes is not controlled, so that two runs of one plan differ in detail.
"""
