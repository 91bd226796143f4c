"""The HTTP door: metrics and health, answered to whoever may reach the address."""
