"""The messages of the partner protocol, which Ashby and Justifacts both speak: parsing and writing.

Pure: no network, no database, no settings. ``docs/protocol.md`` has the facts and their sources.
"""
