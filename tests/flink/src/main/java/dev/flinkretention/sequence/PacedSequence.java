package dev.flinkretention.sequence;

import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;

/**
 * Flink's own number source, with a pace and a length that come from the arguments of the current run and not from the
 * state of the run before: so a restored job can be told to stop soon after the position that it was restored to.
 */
final class PacedSequence extends NumberSequenceSource {
    private static final long serialVersionUID = 1L;

    private final long numbers;
    private final double rate;
    private final Results results;

    PacedSequence(long numbers, double rate, Results results) {
        super(0, Long.MAX_VALUE - 1);
        this.numbers = numbers;
        this.rate = rate;
        this.results = results;
    }

    @Override
    public SourceReader<Long, NumberSequenceSplit> createReader(SourceReaderContext context) {
        return new PacedReader(context, numbers, rate, results);
    }
}
