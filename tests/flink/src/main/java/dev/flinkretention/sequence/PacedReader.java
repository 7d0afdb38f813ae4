package dev.flinkretention.sequence;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource.NumberSequenceSplit;
import org.apache.flink.api.connector.source.lib.util.IteratorSourceReaderBase;
import org.apache.flink.core.io.InputStatus;
import org.apache.flink.util.NumberSequenceIterator;

/**
 * Reads the sequence no faster than the rate, and so many numbers from where it starts. Notes each checkpoint's position
 * in the results, and the last position as "end".
 */
final class PacedReader extends IteratorSourceReaderBase<Long, Long, NumberSequenceIterator, NumberSequenceSplit> {
    private static final Executor PAUSE = CompletableFuture.delayedExecutor(10, TimeUnit.MILLISECONDS);

    private final long numbers;
    private final double rate;
    private final Results results;
    private final long startedNanos = System.nanoTime();
    private long emitted;
    /** The number that comes next; below zero until the split has arrived. */
    private long position = -1;

    PacedReader(SourceReaderContext context, long numbers, double rate, Results results) {
        super(context);
        this.numbers = numbers;
        this.rate = rate;
        this.results = results;
    }

    @Override
    public void addSplits(List<NumberSequenceSplit> splits) {
        if (splits.size() != 1 || position >= 0) {
            throw new IllegalStateException("the sequence is a single split, but more came: " + splits);
        }
        position = splits.get(0).from();
        super.addSplits(splits);
    }

    @Override
    public InputStatus pollNext(ReaderOutput<Long> output) {
        if (position >= 0 && emitted >= numbers) {
            results.append("end " + position);
            return InputStatus.END_OF_INPUT;
        }
        return isAhead() ? InputStatus.NOTHING_AVAILABLE : super.pollNext(output);
    }

    @Override
    protected Long convert(Long number) {
        position = number + 1;
        emitted++;
        return number;
    }

    @Override
    public List<NumberSequenceSplit> snapshotState(long checkpointId) {
        results.append("checkpoint " + checkpointId + " " + Math.max(position, 0));
        return super.snapshotState(checkpointId);
    }

    @Override
    public CompletableFuture<Void> isAvailable() {
        return isAhead() ? CompletableFuture.runAsync(() -> {}, PAUSE) : super.isAvailable();
    }

    private boolean isAhead() {
        double seconds = (System.nanoTime() - startedNanos) / 1e9;
        return rate > 0 && emitted >= seconds * rate;
    }
}
