"""The doctor: what is judged of what was seen of a Kafka and of a machine; seeing it is the business of others."""
