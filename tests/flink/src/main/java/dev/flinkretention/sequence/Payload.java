package dev.flinkretention.sequence;

import java.nio.ByteBuffer;
import java.util.Arrays;

/** Bytes that follow from a number, and so can be checked wherever they turn up. */
final class Payload {
    private Payload() {}

    /** The number itself and then bytes that follow from it and do not compress (SplitMix64). */
    static byte[] of(long number, int size) {
        ByteBuffer bytes = ByteBuffer.allocate(Math.max(size, Long.BYTES) / Long.BYTES * Long.BYTES);
        bytes.putLong(number);
        long state = number;
        while (bytes.hasRemaining()) {
            state += 0x9E3779B97F4A7C15L;
            long mixed = (state ^ (state >>> 30)) * 0xBF58476D1CE4E5B9L;
            mixed = (mixed ^ (mixed >>> 27)) * 0x94D049BB133111EBL;
            bytes.putLong(mixed ^ (mixed >>> 31));
        }
        return bytes.array();
    }

    /** The number that it was made of; it fails for a payload that is damaged. */
    static long number(byte[] payload) {
        long number = ByteBuffer.wrap(payload).getLong();
        if (!Arrays.equals(payload, of(number, payload.length))) {
            throw new IllegalStateException("damaged payload for number " + number);
        }
        return number;
    }
}
