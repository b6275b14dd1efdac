"""The console: pages for moderators, rendered on the server and served by the process that judges."""
