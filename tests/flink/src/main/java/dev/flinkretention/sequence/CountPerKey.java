package dev.flinkretention.sequence;

import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Per key: how many numbers came, their sum, and one payload for each of the last numbers. When the sequence ends, each
 * key notes "key K COUNT SUM HELD" in the results, where HELD is the sum of the numbers whose payloads it holds.
 */
final class CountPerKey extends KeyedProcessFunction<Integer, Long, Void> implements CheckpointedFunction {
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

    CountPerKey(int keys, int slots, int payloadBytes, boolean idles, Results results, String gate) {
        this.keys = keys;
        this.slots = slots;
        this.payloadBytes = payloadBytes;
        this.idles = idles;
        this.results = results;
        this.gate = gate;
    }

    @Override
    public void initializeState(FunctionInitializationContext context) throws Exception {
        count = context.getKeyedStateStore().getState(new ValueStateDescriptor<>("count", Types.LONG));
        idle = context.getKeyedStateStore()
                .getState(new ValueStateDescriptor<>(
                        "idle", PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
        sum = context.getKeyedStateStore().getState(new ValueStateDescriptor<>("sum", Types.LONG));
        payloads = context.getKeyedStateStore()
                .getMapState(new MapStateDescriptor<>(
                        "payloads", Types.INT, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
        gates = context.getOperatorStateStore().getListState(new ListStateDescriptor<>("gates", Gate.class));
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) throws Exception {
        gates.update(List.of(new Gate(gate, context.getCheckpointId())));
    }

    @Override
    public void processElement(Long number, Context context, Collector<Void> out) throws Exception {
        if (count.value() == null) {
            // The end of a bounded input is the watermark of the end of time.
            context.timerService().registerEventTimeTimer(Long.MAX_VALUE);
            if (idles) {
                idle.update(Payload.of(number, payloadBytes));
            }
        }
        count.update(orZero(count.value()) + 1);
        sum.update(orZero(sum.value()) + number);
        payloads.put((int) (number / keys % slots), Payload.of(number, payloadBytes));
    }

    @Override
    public void onTimer(long timestamp, OnTimerContext context, Collector<Void> out) throws Exception {
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
