package dev.flinkretention.sequence;

import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.v2.MapState;
import org.apache.flink.api.common.state.v2.MapStateDescriptor;
import org.apache.flink.api.common.state.v2.ValueState;
import org.apache.flink.api.common.state.v2.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.KeyedStream;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * {@link CountPerKey} with the state interfaces of Flink 2, without which ForSt works like RocksDB, its live files on the
 * local disk. Compiled for releases with ForSt only.
 */
final class AsyncCountPerKey extends KeyedProcessFunction<Integer, Long, Void> implements CheckpointedFunction {
    private static final long serialVersionUID = 1L;

    private final int keys;
    private final int slots;
    private final int payloadBytes;
    private final boolean idles;
    private final Results results;
    private final String gate;

    private transient ValueState<Long> count;
    private transient ValueState<Long> sum;
    private transient MapState<Integer, byte[]> payloads;
    /** Written once if at all, so that its files stay while all others come and go. */
    private transient ValueState<byte[]> idle;
    private transient ListState<Gate> gates;

    private AsyncCountPerKey(int keys, int slots, int payloadBytes, boolean idles, Results results, String gate) {
        this.keys = keys;
        this.slots = slots;
        this.payloadBytes = payloadBytes;
        this.idles = idles;
        this.results = results;
        this.gate = gate;
    }

    /** Found by its name, see {@link SequenceJob}. */
    static DataStream<Void> of(
            KeyedStream<Long, Integer> numbers,
            int keys,
            int slots,
            int payloadBytes,
            boolean idles,
            Results results,
            String gate) {
        return numbers.enableAsyncState()
                .process(new AsyncCountPerKey(keys, slots, payloadBytes, idles, results, gate), Types.VOID)
                .name("count per key")
                .uid("count-per-key");
    }

    @Override
    public void open(OpenContext context) {
        count = getRuntimeContext().getState(new ValueStateDescriptor<>("count", Types.LONG));
        idle = getRuntimeContext()
                .getState(new ValueStateDescriptor<>(
                        "idle", PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
        sum = getRuntimeContext().getState(new ValueStateDescriptor<>("sum", Types.LONG));
        payloads = getRuntimeContext()
                .getMapState(new MapStateDescriptor<>(
                        "payloads", Types.INT, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
    }

    @Override
    public void initializeState(FunctionInitializationContext context) throws Exception {
        gates = context.getOperatorStateStore().getListState(new ListStateDescriptor<>("gates", Gate.class));
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) throws Exception {
        gates.update(List.of(new Gate(gate, context.getCheckpointId())));
    }

    @Override
    public void processElement(Long number, Context context, Collector<Void> out) {
        Long before = count.value();
        if (before == null) {
            // The end of a bounded input is the watermark of the end of time.
            context.timerService().registerEventTimeTimer(Long.MAX_VALUE);
            if (idles) {
                idle.update(Payload.of(number, payloadBytes));
            }
        }
        count.update(orZero(before) + 1);
        sum.update(orZero(sum.value()) + number);
        payloads.put((int) (number / keys % slots), Payload.of(number, payloadBytes));
    }

    @Override
    public void onTimer(long timestamp, OnTimerContext context, Collector<Void> out) {
        if (idles && Payload.number(idle.value()) != context.getCurrentKey()) {
            throw new IllegalStateException("key " + context.getCurrentKey() + " does not hold its first number");
        }
        long held = 0;
        for (Map.Entry<Integer, byte[]> slot : payloads.entries()) {
            held += Payload.number(slot.getValue());
        }
        results.append("key " + context.getCurrentKey() + " " + count.value() + " " + sum.value() + " " + held);
    }

    private static long orZero(Long value) {
        return value == null ? 0 : value;
    }
}
