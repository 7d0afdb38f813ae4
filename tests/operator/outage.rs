//! The store is in trouble in the middle of a run: it says so, nothing that is needed is touched, and the next run carries
//! on.

mod stores;

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testbed::corpus::entry;
use testbed::object_store::{AzureServer, GcsServer};
use testbed::proxy::{Proxy, Weather};

use crate::left::{JOB, Left};
use crate::support::bucket::Bucket;
use crate::support::cluster::{NAMESPACE, condition};
use crate::support::operator::Options;
use crate::support::{Cluster, FlinkJob, OperatorProcess};
use crate::volume::{deleted_files, grace_is_over, set_pace, until};
use stores::{S3, Store};

pub(crate) const SECRET: &str = "credentials";
/// Requests in a second, of as many files: slow enough to be there in the middle, on a fast machine and on a busy one.
const SLOW: u32 = 40;
const ORPHANS: usize = 600;
/// Runs of which one must get going after trouble.
const ATTEMPTS: usize = 20;
/// Deletions at once.
const UNDER_WAY: u64 = 32;
/// In which all deleting ends once the operator is told to.
const TWO_MINUTES: Duration = Duration::from_mins(2);

/// A bucket full of orphans that are ripe, behind a network of ours.
struct Ripe<S> {
    cluster: Cluster,
    server: S,
    proxy: Proxy,
    bucket: Bucket,
}

impl<S: Store> Ripe<S> {
    /// With the operator that has marked them.
    fn prepare(arguments: &[&str]) -> (Self, OperatorProcess) {
        let server = S::started();
        let proxy = server.proxy();
        let finished = entry("2.3.0", "rocksdb-incremental").unwrap();
        let bucket = Bucket::of(&server, "state", &finished);
        bucket.add_orphans(&server, JOB, ORPHANS);
        server.admit(&bucket);
        let cluster = Cluster::start_with(
            json!({"storageSecrets": [{"namespace": NAMESPACE, "names": [SECRET]}]}),
        );
        FlinkJob::finished("orders", JOB, &bucket.base()).apply(&cluster);
        set_secret(&cluster, &server.secret());
        let operator = OperatorProcess::start(&cluster, options(&proxy.endpoint(), arguments));
        Left::wait_until_seen(&cluster);
        let mut storage = S::place(&proxy.endpoint());
        storage["secretRef"] = json!({"name": SECRET});
        cluster.apply_policy("payments", &json!({"mode": "Enforce", "storage": storage}));
        cluster.wait("frp/payments", "condition=Ready");
        let marking = cluster.run("marking", "payments", "Enforce");
        assert_eq!(marking["status"]["phase"], "Succeeded", "{marking}");
        assert_eq!(deleted_files(&marking), 0, "{marking}");
        grace_is_over();
        set_pace(&cluster, "payments", &json!(SLOW));
        let ripe = Self {
            cluster,
            server,
            proxy,
            bucket,
        };
        (ripe, operator)
    }

    fn start(&self, name: &str) -> OperatorProcess {
        let options = Options {
            name: name.to_owned(),
            ..options(&self.proxy.endpoint(), &[])
        };
        OperatorProcess::start(&self.cluster, options)
    }

    /// Waits until nobody is connected any more who could ask for a deletion.
    fn assert_quiet(&self) {
        until("all connections to end", || {
            (self.proxy.connections() == 0).then_some(())
        });
    }

    /// Creates a run, and waits until it deletes. For a while after trouble a store has little time for each answer, so a
    /// run may end before; then the next one is the one. Gives its name.
    fn begin(&self, name: &str) -> String {
        let before = self.bucket.files().len();
        let mut last = Value::Null;
        for attempt in 1..=ATTEMPTS {
            let name = format!("{name}-{attempt}");
            self.cluster.create_run(&name, "payments", "Enforce");
            let deletes = until("a file to go, or the run to end", || {
                if self.bucket.files().len() < before {
                    return Some(true);
                }
                let run = self.cluster.get(&format!("frr/{name}"));
                run["status"]["completionTime"].is_string().then_some(false)
            });
            if deletes {
                return name;
            }
            last = self.cluster.get(&format!("frr/{name}"));
        }
        panic!("{name}: none of {ATTEMPTS} runs deletes anything: {last:#}");
    }

    /// What no snapshot names; everything else is there as ever.
    fn superfluous(&self) -> usize {
        let needed = self.needed();
        let files = self.bucket.files();
        let missing = needed
            .iter()
            .find(|(path, size)| files.get(*path) != Some(size));
        assert_eq!(missing, None, "a needed file is gone");
        files.len() - needed.len()
    }

    fn needed(&self) -> BTreeMap<String, u64> {
        self.bucket.files_of_role(&["metadata", "referenced"])
    }

    /// Waits for the end of a run that met trouble.
    fn end(&self, name: &str) -> Value {
        self.cluster
            .wait(&format!("frr/{name}"), "condition=Complete")
    }

    /// A run that met trouble says what, and counts what went. What it does not count are at most files whose deletion was
    /// under way.
    fn assert_troubled(&self, run: &Value, before: usize, says: &[&str]) {
        let phase = run["status"]["phase"].as_str().unwrap();
        assert!(["Failed", "Blocked"].contains(&phase), "{run}");
        let message = condition(run, "Complete")["message"].as_str().unwrap();
        assert!(says.iter().any(|part| message.contains(part)), "{message}");
        let gone = (before - self.superfluous()) as u64;
        let told = deleted_files(run);
        // Whether any of them was already answered when the trouble began is a matter of time.
        assert!(
            (told..=told + UNDER_WAY).contains(&gone),
            "{gone} are gone: {run}"
        );
        assert!(
            self.superfluous() > 0,
            "it was over before it met any trouble: {run}"
        );
    }
}

pub(crate) fn set_secret(cluster: &Cluster, values: &Value) {
    cluster.apply(&json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": SECRET, "namespace": NAMESPACE},
        "stringData": values,
    }));
}

pub(crate) fn options(endpoint: &str, arguments: &[&str]) -> Options {
    let mut options = Options {
        administrator: json!({
            "version": 1,
            "floors": {"minAge": "1s", "gracePeriod": "1s", "settle": "1s", "clockSkew": "5s"},
            "grants": [{"namespace": NAMESPACE, "endpoints": [endpoint]}],
        }),
        ..Options::default()
    };
    let more = arguments.iter().map(|&argument| argument.to_owned());
    options.arguments.extend(more);
    options
}

/// Each with an operator of its own: they mostly wait.
fn side_by_side(stories: [fn(); 3]) {
    thread::scope(|scope| {
        let played = ["S3", "Google", "Azure"].into_iter().zip(stories);
        let played = played.map(|(store, story)| {
            let thread = thread::Builder::new().name(store.to_owned());
            thread.spawn_scoped(scope, story).unwrap()
        });
        let played: Vec<_> = played.collect();
        for story in played {
            if let Err(why) = story.join() {
                resume_unwind(why);
            }
        }
    });
}

#[test]
fn whatever_befalls_the_store_the_run_says_so_and_the_next_one_carries_on() {
    side_by_side([trouble::<S3>, trouble::<GcsServer>, trouble::<AzureServer>]);
}

const NOBODY_ANSWERS: [&str; 2] = ["check the volume or service", "has not answered"];

fn trouble<S: Store>() {
    let (mut ripe, operator) = Ripe::<S>::prepare(&["--storage-timeout=20s"]);

    let before = ripe.superfluous();
    let cut = ripe.begin("cut");
    ripe.proxy.set(Weather::Cut);
    ripe.assert_troubled(&ripe.end(&cut), before, &NOBODY_ANSWERS);
    // While it lasts no run does anything, and each says why.
    let (before, run) = (
        ripe.superfluous(),
        ripe.cluster.run("still-cut", "payments", "Enforce"),
    );
    assert_eq!(run["status"]["phase"], "Failed", "{run}");
    assert_eq!(run["status"]["blockedBy"], json!(["StorageError"]), "{run}");
    assert_eq!(ripe.superfluous(), before);
    ripe.proxy.set(Weather::Fair);

    let killed = ripe.begin("killed");
    ripe.server.kill();
    let killed = ripe.end(&killed);
    ripe.server.restart();
    ripe.assert_troubled(&killed, before, &NOBODY_ANSWERS);

    let before = ripe.superfluous();
    let throttled = ripe.begin("throttled");
    let (says, told) = S::slow_down();
    ripe.proxy.set(Weather::SlowDown { says });
    ripe.assert_troubled(&ripe.end(&throttled), before, &[told, "has not answered"]);
    ripe.proxy.set(Weather::Fair);

    if S::ROTATES {
        let before = ripe.superfluous();
        let rotated = ripe.begin("rotated");
        ripe.server.rotate();
        ripe.bucket.look_again(&ripe.server);
        let refused = ["does not accept the credentials"];
        ripe.assert_troubled(&ripe.end(&rotated), before, &refused);
        set_secret(&ripe.cluster, &ripe.server.secret());
    }

    // Deletions alone are not answered: the run ends at the first, and says that it is not known what became of it.
    let before = ripe.superfluous();
    let silent = ripe.begin("silent");
    ripe.proxy.set(Weather::Silent {
        requests: "DELETE /",
    });
    let silent = ripe.end(&silent);
    ripe.assert_troubled(&silent, before, &["and may still do it, or has done it"]);
    assert_eq!(silent["status"]["phase"], "Failed", "{silent}");
    ripe.proxy.set(Weather::Fair);

    // Whoever comes later carries on, at last without trouble.
    let succeeded = (1..=ATTEMPTS).any(|attempt| {
        let last = ripe
            .cluster
            .run(&format!("last-{attempt}"), "payments", "Enforce");
        last["status"]["phase"] == "Succeeded"
    });
    assert!(succeeded, "{}", operator.log());
    assert_eq!(ripe.superfluous(), 0);
    ripe.cluster
        .wait("ckinv/orders.flinkdeployment", "condition=Restorable");
}

/// `kubectl scale --replicas=0` sends SIGTERM, and SIGKILL later.
#[test]
fn whoever_is_told_to_stop_deletes_nothing_any_more_within_two_minutes() {
    side_by_side([
        told_to_stop::<S3>,
        told_to_stop::<GcsServer>,
        told_to_stop::<AzureServer>,
    ]);
}

fn told_to_stop<S: Store>() {
    let (ripe, operator) = Ripe::<S>::prepare(&[]);
    let stopped = ripe.begin("stopped");
    // The worst time: a deletion is under way that nobody answers.
    ripe.proxy.set(Weather::Silent {
        requests: "DELETE /",
    });
    let begun = Instant::now();
    let (status, log) = operator.terminate();
    assert!(
        begun.elapsed() < TWO_MINUTES,
        "it took {:?}",
        begun.elapsed()
    );
    assert!(
        status.success() && log.contains("gave the lease back"),
        "{log}"
    );
    ripe.assert_quiet();
    let left = ripe.superfluous();
    ripe.proxy.set(Weather::Fair);

    // The next one plans the run anew, and is killed.
    let second = ripe.start("second");
    until("a file to go", || (ripe.superfluous() < left).then_some(()));
    second.kill();
    ripe.assert_quiet();
    let left = ripe.superfluous();
    assert!(left > 0, "it was over before it was killed");

    let third = ripe.start("third");
    let run = ripe
        .cluster
        .wait(&format!("frr/{stopped}"), "condition=Complete");
    assert_eq!(
        run["status"]["phase"],
        "Succeeded",
        "{run}\n{}",
        third.log()
    );
    assert_eq!(deleted_files(&run), left as u64);
    assert_eq!(ripe.superfluous(), 0);
}
