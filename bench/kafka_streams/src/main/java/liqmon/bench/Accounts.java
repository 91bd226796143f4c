package liqmon.bench;

import java.nio.ByteBuffer;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * Keeps accounts in the store and goes through all of them whenever a price array comes.
 *
 * <p>A price array is one record to each partition, which spares a record per account. Figures are kept beside the
 * store, as the daemon keeps its own: each price array makes them anew. The form of records is in
 * bench/streams/records.py.
 */
final class Accounts implements Processor<byte[], byte[], byte[], byte[]> {
  static final String STORE = "accounts";
  private static final int SHOWN_AT_ONCE = 8_192;
  private static final int FIGURES_BYTES = 24;
  private static final int POSITION_BYTES = 10;

  private ProcessorContext<byte[], byte[]> context;
  private KeyValueStore<Integer, byte[]> store;
  private Terms terms;
  private double[] equities = new double[0];
  private double[] requirements = new double[0];
  private int[] ranks = new int[0];
  private int accounts;

  @Override
  public void init(ProcessorContext<byte[], byte[]> context) {
    this.context = context;
    store = context.getStateStore(STORE);
  }

  @Override
  public void process(Record<byte[], byte[]> record) {
    ByteBuffer value = ByteBuffer.wrap(record.value());
    switch (value.get()) {
      case 'A' -> keep(value);
      case 'T' -> terms = new Terms(value);
      case 'P' -> judge(value, record);
      case 'S' -> show(record);
      default -> throw new IllegalArgumentException("a record of an unknown kind");
    }
  }

  private void keep(ByteBuffer value) {
    int account = value.getInt();
    byte[] state = new byte[value.remaining()];
    value.get(state);
    store.put(account, state);
    accounts = Math.max(accounts, account + 1);
  }

  private void judge(ByteBuffer value, Record<byte[], byte[]> record) {
    long tick = value.getLong();
    double[] marks = new double[value.remaining() / Double.BYTES];
    value.asDoubleBuffer().get(marks);
    if (ranks.length < accounts) {
      equities = new double[accounts];
      requirements = new double[accounts];
      ranks = new int[accounts];
    }
    int count = 0;
    try (KeyValueIterator<Integer, byte[]> all = store.all()) {
      while (all.hasNext()) {
        KeyValue<Integer, byte[]> next = all.next();
        compute(next.key, ByteBuffer.wrap(next.value), marks);
        count++;
      }
    }
    ByteBuffer done = ByteBuffer.allocate(13).put((byte) 'D').putLong(tick).putInt(count);
    context.forward(record.withValue(done.array()));
  }

  private void compute(int account, ByteBuffer state, double[] marks) {
    double equity = state.getDouble(0);
    double requirement = 0.0;
    for (int at = 8; at < state.capacity(); at += POSITION_BYTES) {
      int symbol = Short.toUnsignedInt(state.getShort(at));
      double value = state.getDouble(at + 2) * marks[symbol];
      equity += value;
      requirement += terms.requirement(symbol, Math.abs(value));
    }
    equities[account] = equity;
    requirements[account] = requirement;
    ranks[account] = terms.rank(equity, requirement);
  }

  private void show(Record<byte[], byte[]> record) {
    for (int start = 0; start < accounts; start += SHOWN_AT_ONCE) {
      int end = Math.min(start + SHOWN_AT_ONCE, accounts);
      ByteBuffer figures = ByteBuffer.allocate(1 + (end - start) * FIGURES_BYTES).put((byte) 'F');
      for (int account = start; account < end; account++) {
        figures.putInt(account).putDouble(equities[account]);
        figures.putDouble(requirements[account]).putInt(ranks[account]);
      }
      context.forward(record.withValue(figures.array()));
    }
  }
}
