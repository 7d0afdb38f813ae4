//! How fast references are read from snapshots of many small handles.
#![allow(clippy::expect_used, missing_docs)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flink_metadata::{Origin, Reference, Visitor, parse, visit};
use std::hint::black_box;
use testbed::corpus::{self, Tree};
use testbed::snapshot::SnapshotFile;

#[derive(Default)]
struct Count(u64);

impl Visitor for Count {
    fn reference(&mut self, reference: Reference<'_>, _: &Origin) {
        self.0 += black_box(reference.path().len()) as u64;
    }
}

/// One operator with 100 000 shared files, about 12 MB.
fn synthetic() -> Vec<u8> {
    let shared = (0..100_000).map(|number| (format!("s3://bucket/checkpoints/0123456789abcdef0123456789abcdef/shared/00000000-0000-0000-0000-{number:012}"), 67_108_864));
    SnapshotFile {
        checkpoint_id: 7,
        shared: shared.collect(),
        exclusive: Vec::new(),
    }
    .to_bytes()
}

fn real() -> Vec<u8> {
    let entry = corpus::entry("2.3.0", "rocksdb-incremental").expect("the corpus has it");
    let truth = entry.truth(Tree::Left).expect("it has a truth");
    let metadata = truth.metadata.first().expect("it has a snapshot");
    std::fs::read(entry.tree(Tree::Left).join(&metadata.metadata)).expect("it is readable")
}

fn benches(criterion: &mut Criterion) {
    for (name, bytes) in [
        ("synthetic 100k files", synthetic()),
        ("real 2.3.0 incremental", real()),
    ] {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function("visit", |bencher| {
            bencher.iter(|| visit(&bytes, &mut Count::default()).expect("it parses"));
        });
        group.bench_function("parse", |bencher| {
            bencher.iter(|| parse(&bytes).expect("it parses"));
        });
        group.finish();
    }
}

criterion_group!(all, benches);
criterion_main!(all);
