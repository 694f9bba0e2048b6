"""The partner protocol that Ashby and Justifacts both speak: its messages, read and written.

Pure: no network, no database, no settings. ``docs/protocol.md`` has the facts and their sources.
"""
