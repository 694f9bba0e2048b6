"""How fast the portal is, beside bare reference views in the same server: ``make bench``."""
