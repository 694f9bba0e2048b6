"""Due work at scale, after an outage of a provider: ``python -m benchmarks.due``."""
