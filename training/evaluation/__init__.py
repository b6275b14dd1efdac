"""How good a release is in use. Needs no torch, so an auditor can run it."""
