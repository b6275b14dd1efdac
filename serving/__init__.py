"""How a release is reached: the HTTP API and the file scorer."""
