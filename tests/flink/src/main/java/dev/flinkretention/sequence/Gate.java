package dev.flinkretention.sequence;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.apache.flink.types.CopyableValue;

/**
 * Operator state that a test can hold up or spoil while it is written, after the keyed state of the subtask and in the
 * background, so that the job itself runs on: if the file holds "stall", one subtask of each checkpoint waits until it
 * is gone; if it holds "decline", that subtask's write fails.
 */
public final class Gate implements CopyableValue<Gate> {
    private static final long serialVersionUID = 1L;
    private static final long POLL_MILLIS = 20;

    private String file = "";
    private long checkpoint;

    public Gate() {}

    Gate(String file, long checkpoint) {
        this.file = file;
        this.checkpoint = checkpoint;
    }

    @Override
    public void write(DataOutputView out) throws IOException {
        Path path = Path.of(file);
        if (!file.isEmpty() && Files.exists(path) && isFirst()) {
            hold(path);
        }
        out.writeUTF(file);
        out.writeLong(checkpoint);
    }

    /** The other subtasks of the checkpoint pass. */
    private boolean isFirst() throws IOException {
        try {
            Files.createFile(Path.of(file + "." + checkpoint));
            return true;
        } catch (FileAlreadyExistsException e) {
            return false;
        }
    }

    private static void hold(Path path) throws IOException {
        if (Files.readString(path).equals("decline")) {
            throw new IOException("declined, as " + path + " demands");
        }
        while (Files.exists(path)) {
            try {
                Thread.sleep(POLL_MILLIS);
            } catch (InterruptedException e) {
                throw new IOException("interrupted while " + path + " holds the checkpoint up", e);
            }
        }
    }

    @Override
    public void read(DataInputView in) throws IOException {
        file = in.readUTF();
        checkpoint = in.readLong();
    }

    @Override
    public int getBinaryLength() {
        return -1;
    }

    @Override
    public void copyTo(Gate target) {
        target.file = file;
        target.checkpoint = checkpoint;
    }

    @Override
    public Gate copy() {
        return new Gate(file, checkpoint);
    }

    @Override
    public void copy(DataInputView source, DataOutputView target) throws IOException {
        target.writeUTF(source.readUTF());
        target.writeLong(source.readLong());
    }
}
