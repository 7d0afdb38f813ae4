package dev.flinkretention.sequence;

import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A text file that all subtasks append to, one short line per write. After a retry the same line may occur again. */
final class Results implements Serializable {
    private static final long serialVersionUID = 1L;

    private final String file;

    Results(String file) {
        this.file = file;
    }

    void append(String line) {
        try {
            Files.writeString(Path.of(file), line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot append to " + file, e);
        }
    }
}
