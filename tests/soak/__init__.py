"""The soak: hours of steady load with a failover every few minutes, and nothing may grow."""
