package dev.flinkretention.loader;

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.apache.flink.runtime.checkpoint.Checkpoints;
import org.apache.flink.runtime.checkpoint.OperatorState;
import org.apache.flink.runtime.checkpoint.metadata.CheckpointMetadata;
import org.apache.flink.runtime.jobgraph.OperatorID;
import org.apache.flink.runtime.state.filesystem.FileStateHandle;

/**
 * How long Flink's own loader takes for one {@code _metadata}; for benches.
 *
 * <pre>
 * grow SOURCE TARGET BYTES   repeats the operators of a real snapshot under new ids until the file has so many bytes
 * time FILE                  loads FILE once for each line "memory" or "file" that it reads, and answers with nanoseconds
 * </pre>
 */
public final class LoaderClock {
    private LoaderClock() {}

    public static void main(String[] arguments) throws IOException {
        switch (arguments[0]) {
            case "grow":
                grow(Path.of(arguments[1]), Path.of(arguments[2]), Long.parseLong(arguments[3]));
                break;
            case "time":
                time(Path.of(arguments[1]));
                break;
            default:
                throw new IllegalArgumentException(arguments[0]);
        }
    }

    private static void grow(Path source, Path target, long bytes) throws IOException {
        CheckpointMetadata snapshot = load(Files.newInputStream(source), source);
        Collection<OperatorState> operators = snapshot.getOperatorStates();
        long copies = Math.max(1, bytes / Files.size(source));
        List<OperatorState> grown = new ArrayList<>();
        for (long copy = 0; copy < copies; copy++) {
            for (OperatorState operator : operators) {
                OperatorID id = new OperatorID(copy, operator.getOperatorID().getLowerPart());
                grown.add(operator.copyWithNewIDs(operator.getOperatorUid().orElse(null), id));
            }
        }
        try (OutputStream out = Files.newOutputStream(target)) {
            Checkpoints.storeCheckpointMetadata(
                    new CheckpointMetadata(
                            snapshot.getCheckpointId(),
                            grown,
                            snapshot.getMasterStates(),
                            snapshot.getCheckpointProperties()),
                    out);
        }
    }

    private static void time(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        // As a JobManager opens it.
        FileStateHandle handle =
                new FileStateHandle(new org.apache.flink.core.fs.Path(file.toUri()), bytes.length);
        BufferedReader asked =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String how = asked.readLine(); how != null; how = asked.readLine()) {
            boolean fromMemory = how.equals("memory");
            long started = System.nanoTime();
            load(fromMemory ? new ByteArrayInputStream(bytes) : handle.openInputStream(), file);
            System.out.println(System.nanoTime() - started);
        }
    }

    private static CheckpointMetadata load(InputStream opened, Path name) throws IOException {
        try (DataInputStream in = new DataInputStream(opened)) {
            return Checkpoints.loadCheckpointMetadata(
                    in, LoaderClock.class.getClassLoader(), name.toString());
        }
    }
}
