"""The portal for people: connections and what each organization can order."""

from django.contrib import admin

from . import catalogue, connections, keys, organizations, people

__all__ = ["catalogue", "connections", "keys", "organizations", "people"]

admin.site.site_header = admin.site.site_title = "Assessment portal"
admin.site.index_title = "Background checks between Ashby and Justifacts"
# The width belongs to the tables; the start page and the breadcrumbs lead everywhere.
admin.site.enable_nav_sidebar = False
# “View site” would only lead back to here.
admin.site.site_url = None
