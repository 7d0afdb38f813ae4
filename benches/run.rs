//! How long a dry run takes over a store in memory: scan, plan and summary, without the store's own time.
#![allow(clippy::unwrap_used, missing_docs)]

use async_trait::async_trait;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use flink_retention::engine::{
    Consent, MetadataCache, Mode, NoProgress, Observer, Run, Stores, SystemClock,
};
use retention::evidence::Evidence;
use retention::location::{Location, Origin};
use retention::policy::Policy;
use std::sync::Arc;
use storage::Key;
use storage::memory::MemoryStorage;
use testbed::snapshot::SnapshotFile;

const JOBS: usize = 20;

#[derive(Debug)]
struct Nobody;

#[async_trait]
impl Observer for Nobody {
    async fn observe(&self) -> Evidence {
        Evidence {
            taken_at: jiff::Timestamp::now(),
            jobs: Vec::new(),
            roots: Vec::new(),
            high_availability_ids: Vec::new(),
            gaps: Vec::new(),
        }
    }
}

/// Jobs whose every second shared file is named by a snapshot.
fn world(files: usize) -> MemoryStorage {
    let storage = MemoryStorage::new(Arc::new(jiff::Timestamp::now));
    for job in 0..JOBS {
        let name = |number: usize| format!("{job:08x}-0000-0000-0000-{number:012x}");
        let directory = format!("ckp/{job:032x}");
        let mut shared = Vec::new();
        for number in 0..files / JOBS {
            storage.insert_file(
                &Key::parse(&format!("{directory}/shared/{}", name(number))).unwrap(),
                vec![0; 8],
            );
            if number % 2 == 0 {
                shared.push((format!("file:/data/{directory}/shared/{}", name(number)), 8));
            }
        }
        let snapshot = SnapshotFile {
            checkpoint_id: 1,
            shared,
            exclusive: Vec::new(),
        };
        storage.insert_file(
            &Key::parse(&format!("{directory}/chk-1/_metadata")).unwrap(),
            snapshot.to_bytes(),
        );
    }
    storage
}

fn benches(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut group = criterion.benchmark_group("dry run");
    group.sample_size(10);
    for files in [10_000, 100_000] {
        let mut stores = Stores::default();
        let data = Location::parse("/data", &Origin::default()).unwrap();
        stores.add(data.clone(), Arc::new(world(files)));
        group.throughput(Throughput::Elements(files as u64));
        group.bench_with_input(BenchmarkId::from_parameter(files), &files, |bencher, _| {
            bencher.iter(|| {
                let cache = MetadataCache::default();
                let policy = Policy::default();
                let run = Run {
                    observer: &Nobody,
                    stores: &stores,
                    clock: &SystemClock,
                    progress: &NoProgress,
                    cache: &cache,
                    policy: &policy,
                    bases: vec![data.join("ckp")],
                    scope: None,
                    mode: Mode::DryRun,
                    consent: Consent::Given,
                    owner: None,
                    term: None,
                    cancel: tokio_util::sync::CancellationToken::new(),
                };
                runtime.block_on(run.execute()).unwrap()
            });
        });
    }
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
