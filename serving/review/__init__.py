"""What people see and say of flagged posts: what is kept for them, their decisions, and what those come to."""
