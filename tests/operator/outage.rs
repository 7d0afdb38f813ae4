//! The store is in trouble in the middle of a run: it says so, nothing that is needed is touched, and the next run carries
//! on.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;
use testbed::corpus::entry;
use testbed::object_store::{ACCESS_KEY, S3Server, SECRET_KEY};
use testbed::proxy::{Proxy, Weather};

use crate::left::{JOB, Left};
use crate::support::bucket::Bucket;
use crate::support::cluster::{NAMESPACE, condition};
use crate::support::operator::Options;
use crate::support::{Cluster, FlinkJob, OperatorProcess};
use crate::volume::{deleted_files, grace_is_over, set_pace, until};

pub(crate) const SECRET: &str = "s3-credentials";
/// Requests in a second: slow enough to be there in the middle, on a fast machine too.
const SLOW: u32 = 40;
const ORPHANS: usize = 300;
/// Runs of which one must get going after trouble.
const ATTEMPTS: usize = 20;
/// Deletions at once.
const UNDER_WAY: u64 = 32;
/// In which all deleting ends once the operator is told to.
const TWO_MINUTES: Duration = Duration::from_mins(2);

/// A bucket full of orphans that are ripe, behind a network of ours.
struct Ripe {
    cluster: Cluster,
    server: S3Server,
    proxy: Proxy,
    bucket: Bucket,
}

impl Ripe {
    /// With the operator that has marked them.
    fn prepare(arguments: &[&str]) -> (Self, OperatorProcess) {
        let server = S3Server::start().unwrap();
        let proxy = server.proxy().unwrap();
        let finished = entry("2.3.0", "rocksdb-incremental").unwrap();
        let bucket = Bucket::of(&server, "state", &finished);
        bucket.add_orphans(&server, JOB, ORPHANS);
        let cluster = Cluster::start_with(
            json!({"storageSecrets": [{"namespace": NAMESPACE, "names": [SECRET]}]}),
        );
        FlinkJob::finished("orders", JOB, &bucket.base()).apply(&cluster);
        set_secret(&cluster);
        let operator = OperatorProcess::start(&cluster, options(&proxy.endpoint(), arguments));
        Left::wait_until_seen(&cluster);
        let storage = json!({"secretRef": {"name": SECRET}, "s3": {"endpoint": proxy.endpoint()}});
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
        }
        panic!("{name}: none of {ATTEMPTS} runs deletes anything");
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

    /// Waits for the end of a run that met trouble: it says what, and counts what went. What it does not count are at most
    /// files whose deletion was under way.
    fn assert_troubled(&self, name: &str, before: usize, says: &[&str]) {
        let run = self
            .cluster
            .wait(&format!("frr/{name}"), "condition=Complete");
        let phase = run["status"]["phase"].as_str().unwrap();
        assert!(["Failed", "Blocked"].contains(&phase), "{run}");
        let message = condition(&run, "Complete")["message"].as_str().unwrap();
        assert!(says.iter().any(|part| message.contains(part)), "{message}");
        let gone = (before - self.superfluous()) as u64;
        let told = deleted_files(&run);
        // Whether any of them was already answered when the trouble began is a matter of time.
        assert!(
            (told..=told + UNDER_WAY).contains(&gone),
            "{gone} are gone: {run}"
        );
        assert!(
            self.superfluous() > 0,
            "{name} was over before it met any trouble"
        );
    }
}

pub(crate) fn set_secret(cluster: &Cluster) {
    cluster.apply(&json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": SECRET, "namespace": NAMESPACE},
        "stringData": {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY},
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

#[test]
fn whatever_befalls_the_store_the_run_says_so_and_the_next_one_carries_on() {
    let (mut ripe, operator) = Ripe::prepare(&["--storage-timeout=20s"]);

    let before = ripe.superfluous();
    let cut = ripe.begin("cut");
    ripe.proxy.set(Weather::Cut);
    ripe.assert_troubled(
        &cut,
        before,
        &["check the volume or service", "has not answered"],
    );
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
    ripe.assert_troubled(
        &killed,
        before,
        &["check the volume or service", "has not answered"],
    );
    ripe.server.restart().unwrap();

    let before = ripe.superfluous();
    let throttled = ripe.begin("throttled");
    ripe.proxy.set(Weather::SlowDown);
    ripe.assert_troubled(&throttled, before, &["SlowDown", "has not answered"]);
    ripe.proxy.set(Weather::Fair);

    // Deletions alone are not answered: the run ends at the first, and says that it is not known what became of it.
    let before = ripe.superfluous();
    let silent = ripe.begin("silent");
    ripe.proxy.set(Weather::Silent {
        requests: "DELETE /",
    });
    ripe.assert_troubled(&silent, before, &["and may still do it, or has done it"]);
    let silent = ripe.cluster.get(&format!("frr/{silent}"));
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
    let (ripe, operator) = Ripe::prepare(&[]);
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
