package dev.flinkretention.sequence;

import java.util.HashMap;
import java.util.Map;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.KeyedStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Counts the numbers 0, 1, 2, ... per key (number modulo keys) in keyed state, next to payloads that make the state
 * large and restless. Since the position in the sequence is state too, what every key must hold follows from the
 * position alone, and any loss shows.
 *
 * <p>Arguments, all required, as name=value: keys, slots, payload-bytes, idles (whether to hold the first number of each
 * key for ever), rate (numbers per second, 0 is unlimited),
 * numbers (how many this run reads from the position where it starts), results (file for positions and totals),
 * gate (file with which a test holds checkpoints up, see {@link Gate}),
 * async (whether to use the state interfaces of Flink 2).
 */
public final class SequenceJob {
    private SequenceJob() {}

    public static void main(String[] arguments) throws Exception {
        Map<String, String> options = parse(arguments);
        int keys = Integer.parseInt(required(options, "keys"));
        int slots = Integer.parseInt(required(options, "slots"));
        int payloadBytes = Integer.parseInt(required(options, "payload-bytes"));
        boolean idles = Boolean.parseBoolean(required(options, "idles"));
        double rate = Double.parseDouble(required(options, "rate"));
        long limit = Long.parseLong(required(options, "numbers"));
        Results results = new Results(required(options, "results"));
        String gate = required(options, "gate");
        boolean async = Boolean.parseBoolean(required(options, "async"));

        StreamExecutionEnvironment environment = StreamExecutionEnvironment.getExecutionEnvironment();
        KeyedStream<Long, Integer> numbers = environment
                .fromSource(
                        new PacedSequence(limit, rate, results),
                        WatermarkStrategy.noWatermarks(),
                        "sequence",
                        Types.LONG)
                .setParallelism(1)
                .uid("sequence")
                .keyBy(number -> (int) (number % keys), Types.INT);
        if (async) {
            // Not there in every release.
            Class.forName(SequenceJob.class.getPackageName() + ".AsyncCountPerKey")
                    .getDeclaredMethod(
                            "of",
                            KeyedStream.class,
                            int.class,
                            int.class,
                            int.class,
                            boolean.class,
                            Results.class,
                            String.class)
                    .invoke(null, numbers, keys, slots, payloadBytes, idles, results, gate);
        } else {
            numbers.process(new CountPerKey(keys, slots, payloadBytes, idles, results, gate), Types.VOID)
                    .name("count per key")
                    .uid("count-per-key");
        }
        environment.execute("sequence");
    }

    private static Map<String, String> parse(String[] arguments) {
        Map<String, String> options = new HashMap<>();
        for (String argument : arguments) {
            String[] parts = argument.split("=", 2);
            if (parts.length != 2) {
                throw new IllegalArgumentException("argument '" + argument + "' is not name=value");
            }
            options.put(parts[0], parts[1]);
        }
        return options;
    }

    private static String required(Map<String, String> options, String name) {
        String value = options.get(name);
        if (value == null) {
            throw new IllegalArgumentException("argument '" + name + "=...' is missing");
        }
        return value;
    }
}
