"""A seeded generator of posts: people wrote the fragments, the generator puts them together. Not for the test part."""
