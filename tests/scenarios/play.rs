//! Plays a scenario: the engine's five steps over stores in memory, observed by the operator's own observer.

use crate::adapters::{Adapter, Expected, Mirror, RUNTIME};
use crate::kubernetes::{Interrupted, World};
use crate::script::{File, Script, Step};
use crate::state::{State, directory};
use crate::table;
use flink_retention::engine::journal::OwnerId;
use flink_retention::engine::run::Scope;
use flink_retention::engine::{Consent, MetadataCache, Mode, NoProgress, Report, Run, Stores};
use flink_retention::observe::KubernetesObserver;
use retention::evidence::JobName;
use retention::location::Location;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use storage::Storage;
use storage::faults::{Call, Failure, Fault, FaultInjecting};
use storage::memory::MemoryStorage;
use tokio_util::sync::CancellationToken;

/// Plays a file and compares, or writes what came out if `UPDATE_SCENARIOS` is set.
///
/// Only the store in memory may write: on the others the same must come out.
pub(crate) fn play(path: &Path, adapter: Adapter, expected: Expected) -> Result<(), String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let file = File::parse(path, &text)?;
    let teller = Player {
        adapter,
        ..Player::default()
    };
    let played = RUNTIME.block_on(teller.play(&file.script))?;
    let now = file.with_results(&played.results);
    let writes = adapter == Adapter::Memory && std::env::var_os("UPDATE_SCENARIOS").is_some();
    if now != text && writes {
        std::fs::write(path, &now).map_err(|error| error.to_string())?;
    } else if now != text && expected == Expected::Everything {
        let verdict = played.verdict.err().into_iter();
        let told: Vec<String> = verdict.chain([difference(&text, &now)]).collect();
        return Err(told.join("\n"));
    }
    played.verdict
}

struct Played {
    results: Vec<Vec<String>>,
    /// What no update of expectations makes right.
    verdict: Result<(), String>,
}

#[derive(Default)]
struct Player {
    adapter: Adapter,
    cache: MetadataCache,
    last: BTreeMap<String, String>,
    deleted: BTreeSet<String>,
    wrong: Vec<String>,
}

impl Player {
    async fn play(mut self, script: &Script) -> Result<Played, String> {
        let world = World(Arc::new(Mutex::new(State::new(self.adapter))));
        let mut results = Vec::new();
        for step in &script.steps {
            let result = self.step(&world, step).await;
            results.push(result.map_err(|why| format!("{}: {why}", step.text))?);
        }
        let mut state = world.0.lock().unwrap();
        if !state.meanwhile.is_empty() {
            self.wrong
                .push(format!("never happened: {:?}", state.meanwhile));
        }
        self.wrong.append(&mut state.differences.lock().unwrap());
        let mut paths = |paths: &[String]| -> BTreeSet<String> {
            paths
                .iter()
                .map(|path| state.file(path).to_string())
                .collect()
        };
        let (goes, may_go) = (paths(&script.goes), paths(&script.may_go));
        for path in self.deleted.difference(&goes) {
            if !may_go.contains(path) {
                self.wrong.push(format!(
                    "deleted, and the head does not say that it may go: {}",
                    state.names.shorten(path)
                ));
            }
        }
        for path in goes.difference(&self.deleted) {
            self.wrong.push(format!(
                "the head says that it goes, and no run deleted it: {}",
                state.names.shorten(path)
            ));
        }
        let verdict = if self.wrong.is_empty() {
            Ok(())
        } else {
            Err(self.wrong.join("\n"))
        };
        Ok(Played { results, verdict })
    }

    async fn step(&mut self, world: &World, step: &Step) -> Result<Vec<String>, String> {
        let (mode, crash) = match step.text.as_str() {
            "run" => (Mode::Enforce, None),
            "plan" => (Mode::DryRun, None),
            text if text.starts_with("exists ") || text.starts_with("absent ") => {
                return exists(world, text).await.map(|()| Vec::new());
            }
            text => {
                let Some(number) = text.strip_prefix("run, crashing at deletion ") else {
                    world.0.lock().unwrap().step(text, &step.block)?;
                    return Ok(Vec::new());
                };
                let number = number.parse().map_err(|_| "no number")?;
                (Mode::Enforce, Some(number))
            }
        };
        world.0.lock().unwrap().remember();
        let report = execute(world, &self.cache, mode, crash).await?;
        let state = world.0.lock().unwrap();
        for deleted in &report.outcome.deleted {
            self.deleted.insert(deleted.path.clone());
        }
        let needed = state.needed();
        for lost in report
            .outcome
            .deleted
            .iter()
            .filter(|file| needed.contains(&file.path))
        {
            let path = state.names.shorten(&lost.path);
            self.wrong.push(format!(
                "LOST: {path} was deleted, and a snapshot that is left names it"
            ));
        }
        Ok(table::lines(&state, &report, &mut self.last))
    }
}

/// `exists PATH…`, `absent PATH…`: of a directory above all, for tables tell of files only.
async fn exists(world: &World, text: &str) -> Result<(), String> {
    let mut words = text.split_whitespace();
    let expected = words.next() == Some("exists");
    for path in words {
        let (storage, key) = {
            let mut state = world.0.lock().unwrap();
            let location = directory(path);
            state.store(&location)
        };
        let found = storage
            .stat(&key)
            .await
            .map_err(|error| error.to_string())?;
        if found.is_some() != expected {
            return Err(format!("it is not so: {path}"));
        }
    }
    Ok(())
}

async fn execute(
    world: &World,
    cache: &MetadataCache,
    mode: Mode,
    crash: Option<u64>,
) -> Result<Report, String> {
    let (bases, policy, selected, faults, roots) = {
        let mut state = world.0.lock().unwrap();
        for base in state.bases.clone() {
            state.store(&base);
        }
        (
            state.bases.clone(),
            state.policy.clone(),
            selected(&state),
            Arc::clone(&state.faults),
            state.stores.clone(),
        )
    };
    let mut stores = Stores::default();
    for (root, memory) in roots {
        let faults = Arc::clone(&faults);
        let deletions = AtomicU64::new(0);
        let dead = AtomicU64::new(0);
        let rule = move |call: &Call| {
            // Of Flink's files: the journal deletes old documents of its own.
            if call.operation == storage::Operation::Delete
                && !call.key.as_str().contains("/.flink-retention/")
                && deletions.fetch_add(1, Ordering::SeqCst) + 1 == crash.unwrap_or(u64::MAX)
            {
                dead.store(1, Ordering::SeqCst);
            }
            if dead.load(Ordering::SeqCst) == 1 {
                return Fault::Fail(Failure::Unavailable);
            }
            let faults = faults.lock().unwrap();
            let fault = faults.iter().find(|fault| {
                fault.operation == call.operation && call.key.as_str().contains(&fault.key)
            });
            fault.map_or(Fault::None, |fault| fault.fault)
        };
        let storage: Arc<dyn Storage> = match mirror(world, &root, memory.clone()).await {
            Some(mirror) => Arc::new(FaultInjecting::new(mirror, rule)),
            None => Arc::new(FaultInjecting::new(memory, rule)),
        };
        stores.add(root, storage);
    }
    let stores = Arc::new(stores);
    let observer = Interrupted {
        world: world.clone(),
        observer: KubernetesObserver::new(
            Arc::new(world.clone()),
            Arc::new(world.clone()),
            Arc::clone(&stores),
            Arc::new(world.clone()),
        ),
        observed: Mutex::new(0),
    };
    let run = Run {
        observer: &observer,
        stores: &stores,
        clock: world,
        progress: &NoProgress,
        cache,
        policy: &policy,
        bases,
        scope: selected,
        mode,
        consent: Consent::Given,
        owner: Some(OwnerId("us".to_owned())),
        term: None,
        cancel: CancellationToken::new(),
    };
    run.execute().await.map_err(|error| error.to_string())
}

/// The same one for every run of a scenario.
async fn mirror(world: &World, root: &Location, memory: MemoryStorage) -> Option<Mirror> {
    let (adapter, differences) = {
        let state = world.0.lock().unwrap();
        if let Some((_, mirror)) = state.mirrors.iter().find(|(other, _)| other == root) {
            return Some(mirror.clone());
        }
        (state.adapter, Arc::clone(&state.differences))
    };
    let mirror = adapter.mirror(memory, &differences).await?;
    let mut state = world.0.lock().unwrap();
    state.mirrors.push((root.clone(), mirror.clone()));
    Some(mirror)
}

fn selected(state: &State) -> Option<Scope> {
    let jobs = state.selected.as_ref()?.iter().filter_map(|name| {
        Some(JobName {
            kind: "FlinkDeployment".to_owned(),
            namespace: state.jobs.get(name)?.namespace.clone(),
            name: name.clone(),
        })
    });
    Some(Scope {
        jobs: jobs.collect(),
    })
}

/// The lines that differ, with those around them.
fn difference(expected: &str, found: &str) -> String {
    let (expected, found): (Vec<&str>, Vec<&str>) =
        (expected.lines().collect(), found.lines().collect());
    let mut out = vec![
        "not as expected (UPDATE_SCENARIOS=1 writes what came out; read it before you believe it)"
            .to_owned(),
    ];
    let (mut at, mut other) = (0, 0);
    while at < expected.len() || other < found.len() {
        match (expected.get(at), found.get(other)) {
            (Some(left), Some(right)) if left == right => {
                if !left.starts_with("  |") {
                    out.push(format!("  {left}"));
                }
                (at, other) = (at + 1, other + 1);
            }
            (left, right) => {
                let moved = |line: Option<&&str>, lines: &[&str], from: usize| {
                    line.is_some_and(|line| {
                        lines.iter().skip(from).take(12).any(|other| other == line)
                    })
                };
                if right.is_some()
                    && (left.is_none()
                        || moved(left, &found, other)
                        || !moved(right, &expected, at))
                    && (left.is_none() || moved(left, &found, other))
                {
                    out.push(format!("+ {}", right.unwrap_or(&"")));
                    other += 1;
                } else if let Some(left) = left {
                    out.push(format!("- {left}"));
                    at += 1;
                } else {
                    break;
                }
            }
        }
    }
    out.join("\n")
}
