"""A message log inside the process that keeps a transactional broker's promises; it knows neither Kafka nor margin."""

from monitor.adapters.embedded.faults import Faults, WriteFault
from monitor.adapters.embedded.log import EmbeddedLog

__all__ = ["EmbeddedLog", "Faults", "WriteFault"]
