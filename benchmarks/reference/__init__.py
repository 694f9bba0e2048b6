"""The reference views for the portal's endpoints, served by the benchmark's web process only."""
