"""A message log inside the process, with the promises of a transactional broker; nothing here knows Kafka or the monitor."""

from monitor.adapters.embedded.faults import Faults, WriteFault
from monitor.adapters.embedded.log import EmbeddedLog

__all__ = ["EmbeddedLog", "Faults", "WriteFault"]
