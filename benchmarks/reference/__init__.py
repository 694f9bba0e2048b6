"""What the portal's endpoints are measured against. Served by the benchmark's web process only."""
