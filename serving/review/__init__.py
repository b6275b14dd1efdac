"""What people decide of flagged posts: recorded, queued, settled, counted."""
