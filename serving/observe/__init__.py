"""What an operator sees of the service: metrics, logs, traces, tallies by the hour, and drift."""
