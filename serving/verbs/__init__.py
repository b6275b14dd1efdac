"""The verbs of who runs the service, a file a subject. Each imports its side when called, so `--help` loads nothing."""
