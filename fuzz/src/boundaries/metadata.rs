use flink_metadata::{Contents, Inline, Origin, Reference, Visitor, parse, visit};

/// What the visitor was told.
#[derive(Default)]
struct Told {
    references: u64,
    inline: u64,
    inline_bytes: u64,
}

impl Visitor for Told {
    fn reference(&mut self, reference: Reference<'_>, origin: &Origin) {
        assert!(!reference.path().is_empty());
        if let Reference::RelativeFile { path, .. } = &reference {
            let ordinary = |part| !matches!(part, "" | "." | "..");
            assert!(path.split('/').all(ordinary), "{path}");
        }
        assert!(origin.subtask.is_none_or(|subtask| subtask < 32_768));
        self.references += 1;
    }

    fn inline(&mut self, inline: Inline<'_>, _: &Origin) {
        self.inline += 1;
        self.inline_bytes += inline.bytes.len() as u64;
    }
}

/// A `_metadata` file: every way to read it says the same, and no part of it passes for the whole.
pub fn metadata(bytes: &[u8]) {
    let mut told = Told::default();
    let visited = visit(bytes, &mut told);
    let parsed = parse(bytes);
    let contents = Contents::read(bytes, Some("/job/chk-1"));
    assert_eq!(visited.as_ref().err(), parsed.as_ref().err());
    assert_eq!(visited.as_ref().err(), contents.as_ref().err());
    let (Ok(summary), Ok(parsed), Ok(contents)) = (visited, parsed, contents) else {
        return;
    };
    assert_eq!(summary, parsed.summary);
    assert_eq!(parsed.operators.len() as u64, summary.counts.operators);
    let counts = summary.counts;
    let files = counts.files + counts.relative_files;
    assert_eq!(
        told.references,
        files + counts.segments + counts.directories
    );
    assert_eq!(told.inline, counts.inline_count);
    assert_eq!(told.inline_bytes, counts.inline_bytes);
    // A reference costs at least a byte, so nothing is named without end.
    assert!(told.references + told.inline <= bytes.len() as u64);
    let named: u64 = contents.files.iter().map(|file| file.refs).sum();
    assert_eq!(named, files);
    assert_eq!(contents.segments.len() as u64, counts.segments);
    assert!(contents.directories.len() as u64 <= counts.directories);
    for length in cuts(bytes) {
        let cut = visit(&bytes[..length], &mut Told::default());
        assert!(cut.is_err(), "{length} of {} bytes", bytes.len());
    }
    for more in [0, 0x70, 0xff] {
        let longer = [bytes, &[more]].concat();
        assert!(visit(&longer, &mut Told::default()).is_err());
    }
}

/// Some lengths below that of a file: the last byte missing, half of it, and another one for each content.
fn cuts(bytes: &[u8]) -> [usize; 3] {
    let hash = bytes.iter().fold(0_usize, |hash, byte| {
        hash.wrapping_mul(31).wrapping_add(usize::from(*byte))
    });
    [bytes.len() - 1, bytes.len() / 2, hash % bytes.len()]
}
