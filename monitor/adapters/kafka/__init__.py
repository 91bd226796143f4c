"""The message log on Apache Kafka, through aiokafka; what the records mean is unknown here."""

from monitor.adapters.kafka.log import KafkaLog
from monitor.adapters.kafka.logs import tame_client_logging
from monitor.adapters.kafka.settings import KafkaSettings

__all__ = ["KafkaLog", "KafkaSettings", "tame_client_logging"]
