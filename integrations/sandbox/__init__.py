"""A stand-in Ashby and a stand-in Justifacts, in a process of their own.

The sandbox imports nothing of the portal: with shared code, a mistake in the portal would agree with the same
mistake here (docs/architecture.md, "Who may import whom").
"""
