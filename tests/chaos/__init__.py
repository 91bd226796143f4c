"""Chaos on a real Kafka: a load, daemons that die at named points, faults by seed, a judge that knows the contract."""
