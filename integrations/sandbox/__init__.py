"""A stand-in Ashby and a stand-in Justifacts in one process of their own.

It imports nothing of the portal's: sharing code, a mistake would agree with itself
(architecture.md, "Who may import whom", rule 6).
"""
