"""What a detector is: everything that scoring needs, and nothing of training or serving."""
