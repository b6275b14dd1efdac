"""How a release is made: labelled rows in, a release folder out."""
