package liqmon.bench;

import java.util.Properties;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.state.KeyValueBytesStoreSupplier;
import org.apache.kafka.streams.state.Stores;

/**
 * Starts the topology: one topic in, accounts in a state store with its changelog, one topic out.
 *
 * <p>Arguments: kind of the store (memory or rocksdb), bootstrap servers, topic in, topic out, folder of the state.
 * Everything is left as Kafka Streams has it by default but for one thread, as there is one partition.
 */
public final class Program {
  private Program() {}

  public static void main(String[] arguments) {
    String source = arguments[2];
    Properties settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, source);
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[1]);
    settings.put(StreamsConfig.STATE_DIR_CONFIG, arguments[4]);
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
    KafkaStreams streams = new KafkaStreams(topology(arguments[0], source, arguments[3]), settings);
    streams.setUncaughtExceptionHandler(
        fault -> {
          fault.printStackTrace();
          Runtime.getRuntime().halt(1);
          return StreamThreadExceptionResponse.SHUTDOWN_APPLICATION;
        });
    streams.start();
  }

  private static Topology topology(String kind, String source, String target) {
    KeyValueBytesStoreSupplier supplier =
        kind.equals("memory")
            ? Stores.inMemoryKeyValueStore(Accounts.STORE)
            : Stores.persistentKeyValueStore(Accounts.STORE);
    return new Topology()
        .addSource("in", new ByteArrayDeserializer(), new ByteArrayDeserializer(), source)
        .addProcessor("accounts", Accounts::new, "in")
        .addStateStore(
            Stores.keyValueStoreBuilder(supplier, Serdes.Integer(), Serdes.ByteArray()), "accounts")
        .addSink("out", target, new ByteArraySerializer(), new ByteArraySerializer(), "accounts");
  }
}
