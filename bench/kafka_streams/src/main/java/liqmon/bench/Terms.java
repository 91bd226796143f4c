package liqmon.bench;

import java.nio.ByteBuffer;

/** Brackets of every contract as (ceiling, rate, deduction), and the lines between statuses, as they were received. */
final class Terms {
  private final int most;
  private final int bankrupt;
  private final double[] lines;
  private final double[] brackets;

  Terms(ByteBuffer record) {
    int symbols = record.getShort();
    most = record.getShort();
    lines = new double[record.getShort()];
    bankrupt = record.getShort();
    brackets = new double[symbols * most * 3];
    record.asDoubleBuffer().get(lines).get(brackets);
  }

  /** Returns what a position of this notional requires: notional · rate − deduction of its bracket. */
  double requirement(int symbol, double notional) {
    int at = symbol * most * 3;
    while (notional >= brackets[at]) {
      at += 3;
    }
    return notional * brackets[at + 1] - brackets[at + 2];
  }

  /** Returns the status as a rank. */
  int rank(double equity, double requirement) {
    if (equity <= 0.0 && requirement > 0.0) {
      return bankrupt;
    }
    int rank = 0;
    while (rank < lines.length && equity < lines[rank] * requirement) {
      rank++;
    }
    return rank;
  }
}
