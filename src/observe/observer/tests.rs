#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
use crate::engine::SystemClock;
use crate::observe::deployment::tests::object;
use crate::observe::job_manager::{ClusterAddress, NoJobManagers};
use crate::observe::jobs_overview::JobsOverview;
use crate::observe::source::{ConfigMapData, Process, Unread};
use retention::evidence::{Claim, Phase, Radius};
use retention::guard::Guard;
use rstest::rstest;
use std::sync::Mutex;

const STABLE: &str = include_str!("../fixtures/stable.yaml");
const RECORD: &str = include_str!("../fixtures/inventory.yaml");
const JOB: &str = "00000000000000000000000000000abc";
const MAP: &str = "orders-00000000000000000000000000000abc-config-map";

/// A small world, and who was asked.
#[derive(Debug, Default)]
struct World {
    resources: Resources,
    config_maps: BTreeMap<String, ConfigMapData>,
    processes: Vec<Process>,
    silent: bool,
    /// What `/jobs/overview` of every cluster has.
    overview: Vec<(&'static str, &'static str)>,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl Source for World {
    async fn resources(&self) -> Resources {
        self.resources.clone()
    }

    async fn config_map(&self, _: &str, name: &str) -> Result<Option<ConfigMapData>, Unread> {
        Ok(self.config_maps.get(name).cloned())
    }

    async fn processes(&self, _: &str) -> Result<Vec<Process>, Unread> {
        Ok(self.processes.clone())
    }
}

#[async_trait]
impl JobManagers for World {
    async fn ask(&self, address: &ClusterAddress, job_id: JobId, _: &Origin) -> JobManager {
        let ClusterAddress { cluster, .. } = address;
        self.asked
            .lock()
            .unwrap()
            .push(format!("{cluster}/{job_id}"));
        if self.silent {
            return JobManager::Unreachable {
                why: "refused".to_owned(),
            };
        }
        JobManager::NotAsked
    }

    async fn jobs(&self, _: &ClusterAddress) -> JobsOverview {
        if self.silent {
            return JobsOverview::Unreachable {
                why: "refused".to_owned(),
            };
        }
        let jobs = self.overview.iter();
        JobsOverview::Answered(
            jobs.map(|(job, state)| (id(job), (*state).to_owned()))
                .collect(),
        )
    }
}

impl World {
    fn with(mut self, kind: FlinkKind, yaml: &str, edits: &[(&str, &str)]) -> Self {
        self.resources.flink.push((kind, object(yaml, edits)));
        self
    }

    fn deployment(self, edits: &[(&str, &str)]) -> Self {
        self.with(FlinkKind::Deployment, STABLE, edits)
    }

    fn record(mut self) -> Self {
        self.resources.inventories.push(object(RECORD, &[]));
        self
    }

    /// A map without entries.
    fn map(mut self, name: &str) -> Self {
        self.resources.config_maps.insert(ObjectName {
            namespace: "flink".to_owned(),
            name: name.to_owned(),
        });
        let data = BTreeMap::from([("counter".to_owned(), "7".to_owned())]);
        let map = ConfigMapData {
            uid: "u".to_owned(),
            data,
        };
        self.config_maps.insert(name.to_owned(), map);
        self
    }

    fn process(mut self, name: &str) -> Self {
        self.processes.push(Process {
            name: name.to_owned(),
            labels: BTreeMap::new(),
        });
        self
    }

    async fn evidence(&self) -> Evidence {
        self.told(None).await
    }

    async fn told(&self, states: Option<&NamedStates>) -> Evidence {
        Observation {
            source: self,
            job_managers: self,
            stores: &Stores::default(),
            clock: &SystemClock,
            states,
        }
        .evidence()
        .await
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn id(text: &str) -> JobId {
    text.parse().unwrap()
}

const CANCELED: (&str, &str) = ("state: RUNNING", "state: CANCELED");

#[tokio::test]
async fn a_running_job_is_asked_for_in_every_way() {
    let world = World::default().deployment(&[]).map(MAP);
    let evidence = world.evidence().await;
    assert_eq!(evidence.gaps, []);
    let [job] = evidence.jobs.as_slice() else {
        panic!("{:?}", evidence.jobs)
    };
    assert_eq!(job.phase, Phase::Running);
    assert_eq!(job.claims(id(JOB)), Some(Claim::Current));
    assert!(matches!(&job.high_availability, HighAvailability::Map(map) if map.counter == Some(7)));
    assert_eq!(world.asked(), [format!("orders/{JOB}")]);
    assert_eq!(evidence.high_availability_ids, [id(JOB)]);
    assert_eq!(evidence.roots.len(), 2);
    // Its volumes are those of its namespace.
    let origin = Origin {
        namespace: Some("flink".to_owned()),
        ..Origin::default()
    };
    let base = "file:///opt/flink/volume/flink-cp";
    let base = retention::location::Location::parse(base, &origin).unwrap();
    assert!(job.bases.contains(&base));
}

#[tokio::test]
async fn the_deployed_configuration_counts() {
    let mut world = World::default().deployment(&[]);
    let config = "state.checkpoints.dir: /defaults\nhigh-availability: zookeeper\n\
                  execution.savepoint.path: /copied/mine\n";
    world.config_maps.insert(
        "flink-config-orders".to_owned(),
        ConfigMapData {
            uid: String::new(),
            data: BTreeMap::from([("flink-conf.yaml".to_owned(), config.to_owned())]),
        },
    );
    let evidence = world.evidence().await;
    let job = &evidence.jobs[0];
    assert!(job.bases.iter().any(|base| base.path() == "/defaults"));
    assert!(
        matches!(&job.high_availability, HighAvailability::Unsupported { kind } if kind == "ZooKeeper")
    );
    let named = evidence
        .roots
        .iter()
        .any(|root| root.snapshot.as_str() == "copied/mine");
    assert!(named, "{:?}", evidence.roots);
}

#[rstest]
#[case(
    "org.apache.flink.kubernetes.highavailability.KubernetesHaServicesFactory",
    true
)]
#[case("kubernetes", true)]
#[case("com.example.Factory", false)]
#[tokio::test]
async fn every_spelling_of_kubernetes_is_kubernetes(#[case] value: &str, #[case] kubernetes: bool) {
    let written = format!("high-availability: {value}");
    let edits = [
        ("high-availability.type: kubernetes", written.as_str()),
        (
            r#"{"state.checkpoints.dir":"file:///opt/flink/volume/flink-cp"}"#,
            &format!(r#"{{"high-availability":"{value}"}}"#),
        ),
    ];
    let evidence = World::default().deployment(&edits).evidence().await;
    let found = &evidence.jobs[0].high_availability;
    assert_eq!(
        matches!(found, HighAvailability::NoMap { .. }),
        kubernetes,
        "{found:?}"
    );
    assert_eq!(
        matches!(found, HighAvailability::Unsupported { .. }),
        !kubernetes,
        "{found:?}"
    );
}

#[tokio::test]
async fn a_terminal_job_is_not_asked_but_looked_for() {
    let world = World::default().deployment(&[CANCELED]);
    let evidence = world.evidence().await;
    assert!(matches!(evidence.jobs[0].phase, Phase::Terminal { .. }));
    assert_eq!(evidence.jobs[0].processes, Processes::Absent);
    assert!(matches!(evidence.jobs[0].job_manager, JobManager::NotAsked));
    assert_eq!(world.asked(), Vec::<String>::new());
    assert_eq!(evidence.gaps, []);
    let world = World::default().deployment(&[CANCELED]).process("orders");
    let evidence = world.evidence().await;
    assert_eq!(evidence.jobs[0].processes, Processes::Present);
}

#[tokio::test]
async fn a_silent_job_manager_protects_all_ids_of_its_job() {
    let mut world = World::default().deployment(&[]).map(MAP).record();
    world.silent = true;
    let evidence = world.evidence().await;
    assert_eq!(evidence.gaps.len(), 1);
    let gap = &evidence.gaps[0];
    assert_eq!(gap.guard, Guard::JobManagerUnreachable);
    let ids = ["aaa", "abc", "bbb"].map(|end| Radius::Job(id(&format!("{end:0>32}"))));
    assert_eq!(gap.radius, ids);
}

#[tokio::test]
async fn one_undecodable_resource_does_not_hide_the_others() {
    let world = World::default()
        .deployment(&[("observedGeneration: 4", "observedGeneration: [4]")])
        .deployment(&[
            ("name: orders", "name: payments"),
            (JOB, "00000000000000000000000000000def"),
        ]);
    let evidence = world.evidence().await;
    assert_eq!(evidence.jobs.len(), 2);
    assert!(matches!(evidence.jobs[0].phase, Phase::Unclear { .. }));
    assert_eq!(evidence.jobs[1].phase, Phase::Running);
    assert_eq!(evidence.gaps.len(), 1);
    assert_eq!(evidence.gaps[0].radius, [gaps::seen_from("flink")]);
}

#[tokio::test]
async fn a_record_is_the_history_of_its_resource() {
    let evidence = World::default().deployment(&[]).record().evidence().await;
    let [job] = evidence.jobs.as_slice() else {
        panic!("{:?}", evidence.jobs)
    };
    let former = id("00000000000000000000000000000aaa");
    assert_eq!(job.claims(former), Some(Claim::Former));
    assert!(job.bases.iter().any(|base| base.path() == "/old"));
}

#[tokio::test]
async fn a_record_without_its_resource_claims_its_ids() {
    let evidence = World::default().record().evidence().await;
    assert_eq!(evidence.jobs[0].phase, Phase::Gone);
    let former = id("00000000000000000000000000000bbb");
    assert_eq!(evidence.jobs[0].claims(former), Some(Claim::Former));
    assert_eq!(evidence.gaps, []);
    let world = World::default().record().process("orders-taskmanager-1-1");
    let evidence = world.evidence().await;
    assert!(matches!(evidence.jobs[0].phase, Phase::Unclear { .. }));
    assert_eq!(evidence.gaps, []);
}

#[tokio::test]
async fn a_map_that_no_resource_runs_is_a_job_of_its_own() {
    let stray = "orders-00000000000000000000000000000aaa-config-map";
    let world = World::default()
        .deployment(&[])
        .record()
        .map(MAP)
        .map(stray);
    let evidence = world.evidence().await;
    assert_eq!(evidence.jobs.len(), 2);
    assert_eq!(
        evidence.jobs[0].name.to_string(),
        format!("ConfigMap flink/{stray}")
    );
    let former = id("00000000000000000000000000000aaa");
    assert!(evidence.jobs.iter().all(|job| job.claims(former).is_some()));
    assert_eq!(evidence.high_availability_ids, [former, id(JOB)]);
}

#[tokio::test]
async fn what_could_not_be_listed_protects_what_it_could_have_named() {
    for (namespace, radius) in [
        (None, Radius::All),
        (Some("flink"), gaps::seen_from("flink")),
    ] {
        let mut world = World::default();
        world.resources.unread.push(Unread {
            what: "the FlinkDeployment objects".to_owned(),
            namespace: namespace.map(str::to_owned),
            why: "forbidden".to_owned(),
        });
        let evidence = world.evidence().await;
        assert_eq!(evidence.gaps.len(), 1);
        assert_eq!(evidence.gaps[0].radius, [radius]);
    }
}

#[tokio::test]
async fn a_suspended_namespace_suspends_its_jobs_and_records() {
    let mut world = World::default()
        .deployment(&[("name: orders", "name: payments")])
        .record();
    let why = "somebody asked".to_owned();
    world
        .resources
        .suspended_namespaces
        .insert("flink".to_owned(), why);
    let evidence = world.evidence().await;
    assert_eq!(evidence.jobs.len(), 2);
    assert!(evidence.jobs.iter().all(|job| job.suspended_by.is_some()));
}

const SESSION: &str = include_str!("../fixtures/session.yaml");
const SESSION_JOB: &str = include_str!("../fixtures/session-job.yaml");
const CLICKS: &str = "00000000000000000000000000000def";
const BY_HAND: &str = "00000000000000000000000000000bad";

fn session(edits: &[(&str, &str)]) -> World {
    World::default()
        .with(FlinkKind::Deployment, SESSION, &[])
        .with(FlinkKind::SessionJob, SESSION_JOB, edits)
}

fn job<'a>(evidence: &'a Evidence, name: &str) -> &'a JobEvidence {
    let found = evidence.jobs.iter().find(|job| job.name.name == name);
    found.unwrap_or_else(|| panic!("no {name}: {evidence:?}"))
}

#[tokio::test]
async fn a_session_job_runs_with_the_map_and_the_job_manager_of_its_cluster() {
    let mut world = session(&[]).map("session-00000000000000000000000000000def-config-map");
    world.overview = vec![(CLICKS, "RUNNING")];
    let evidence = world.evidence().await;
    assert_eq!(evidence.jobs.len(), 2);
    assert!(matches!(
        job(&evidence, "session").phase,
        Phase::NoJob { .. }
    ));
    let clicks = job(&evidence, "clicks");
    assert_eq!(clicks.phase, Phase::Running);
    assert_eq!(clicks.claims(id(CLICKS)), Some(Claim::Current));
    assert!(matches!(clicks.high_availability, HighAvailability::Map(_)));
    assert_eq!(world.asked(), [format!("session/{CLICKS}")]);
    assert_eq!(evidence.gaps, []);
}

/// The pods of its cluster stay: that a session job is over only its JobManager can say.
#[rstest]
#[case::it_says_so(&[(CLICKS, "CANCELED")], false, &[], true)]
#[case::it_has_forgotten_the_job(&[], false, &[], true)]
#[case::it_still_cancels(&[(CLICKS, "CANCELLING")], false, &[], false)]
#[case::it_was_suspended_with_its_cluster(&[(CLICKS, "SUSPENDED")], false, &[], false)]
#[case::nobody_answers(&[], true, &["session"], false)]
#[case::nobody_is_there(&[], true, &[], true)]
#[tokio::test]
async fn a_session_job_is_over_when_its_cluster_says_so(
    #[case] overview: &[(&'static str, &'static str)],
    #[case] silent: bool,
    #[case] processes: &[&str],
    #[case] over: bool,
) {
    let mut world = session(&[("state: RUNNING", "state: CANCELED")]);
    world.overview = overview.to_vec();
    world.silent = silent;
    for process in processes {
        world = world.process(process);
    }
    let evidence = world.evidence().await;
    let clicks = job(&evidence, "clicks");
    assert!(matches!(clicks.phase, Phase::Terminal { .. }));
    assert_eq!(clicks.processes == Processes::Absent, over, "{clicks:?}");
}

#[tokio::test]
async fn a_job_that_was_submitted_by_hand_is_a_job_of_its_own() {
    let mut world = session(&[]).map(&format!("session-{BY_HAND}-config-map"));
    let over = "00000000000000000000000000000fed";
    world.overview = vec![(CLICKS, "RUNNING"), (BY_HAND, "RUNNING"), (over, "FAILED")];
    let evidence = world.evidence().await;
    assert_eq!(evidence.jobs.len(), 3, "{:?}", evidence.jobs);
    let by_hand = job(&evidence, &format!("session/{BY_HAND}"));
    assert!(
        matches!(&by_hand.phase, Phase::Unclear { why } if why.contains("no Flink resource names it"))
    );
    assert_eq!(by_hand.claims(id(BY_HAND)), Some(Claim::Current));
    assert!(by_hand.bases.iter().any(|base| base.path() == "/cluster"));
    // It is asked like any other, and its map is no stray.
    assert!(world.asked().contains(&format!("session/{BY_HAND}")));
    assert!(matches!(
        by_hand.high_availability,
        HighAvailability::Map(_)
    ));
}

#[tokio::test]
async fn an_application_may_have_several_jobs() {
    let mut world = World::default().deployment(&[]);
    world.overview = vec![(JOB, "RUNNING"), (BY_HAND, "RUNNING")];
    let evidence = world.evidence().await;
    assert!(matches!(
        job(&evidence, &format!("orders/{BY_HAND}")).phase,
        Phase::Unclear { .. }
    ));
}

/// What runs in a session cluster that does not answer may use any of its directories.
#[tokio::test]
async fn a_silent_session_cluster_protects_its_directories() {
    let mut world = World::default().with(FlinkKind::Deployment, SESSION, &[]);
    world.silent = true;
    assert_eq!(world.evidence().await.gaps, [], "it has no process");
    let world = world.process("session");
    let gaps = world.evidence().await.gaps;
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!(gaps[0].guard, Guard::JobManagerUnreachable);
    let Radius::Below(base) = &gaps[0].radius[0] else {
        panic!("{gaps:?}")
    };
    assert_eq!(base.path(), "/cluster");
    let nowhere = [("    state.checkpoints.dir: /cluster\n", "")];
    let mut world = World::default()
        .with(FlinkKind::Deployment, SESSION, &nowhere)
        .process("session");
    world.silent = true;
    assert_eq!(
        world.evidence().await.gaps[0].radius,
        [gaps::seen_from("flink")]
    );
}

#[tokio::test]
async fn a_suspended_session_job_is_over_under_its_recorded_id() {
    let suspended = [
        ("    state: running", "    state: suspended"),
        (r#""state":"running""#, r#""state":"suspended""#),
        ("state: RUNNING", "state: FINISHED"),
        ("lifecycleState: STABLE", "lifecycleState: SUSPENDED"),
        (
            "jobId: 00000000000000000000000000000def",
            "upgradeSavepointPath: /own/00000000000000000000000000000bbb/chk-9",
        ),
    ];
    let mut world = session(&suspended);
    let record = include_str!("../fixtures/session-job-inventory.yaml");
    world.resources.inventories.push(object(record, &[]));
    let last = "00000000000000000000000000000bbb";
    for (overview, processes) in [
        (vec![], Processes::Absent),
        (vec![(last, "RUNNING")], Processes::Present),
    ] {
        world.overview = overview;
        let evidence = world.evidence().await;
        let clicks = job(&evidence, "clicks");
        assert!(matches!(clicks.phase, Phase::Terminal { .. }), "{clicks:?}");
        assert_eq!(clicks.claims(id(last)), Some(Claim::Current));
        assert_eq!(clicks.processes, processes);
        let root = format!("{last}/chk-9");
        assert!(
            evidence
                .roots
                .iter()
                .any(|named| named.snapshot.as_str() == root)
        );
    }
}

const PAIR: &str = include_str!("../fixtures/pair.yaml");

/// A pair, and its halves made from the stable deployment.
fn pair(edits: &[(&str, &str)], halves: &[(&str, &[(&str, &str)])]) -> World {
    let mut world = World::default().with(FlinkKind::BlueGreenDeployment, PAIR, edits);
    for (colour, edits) in halves {
        let metadata = format!(
            "name: orders-{}\n  labels: {{flink/blue-green-deployment-type: {colour}}}\n  \
             ownerReferences: [{{apiVersion: flink.apache.org/v1beta1, kind: FlinkBlueGreenDeployment, name: orders, uid: 9a129a12-8a5e-4b0e-9a53-0b6a0a9a1c11}}]",
            colour.to_lowercase()
        );
        let mut all = vec![("name: orders", metadata.as_str())];
        all.extend(*edits);
        world = world.with(FlinkKind::Deployment, STABLE, &all);
    }
    world
}

const OTHER_ID: (&str, &str) = (JOB, "00000000000000000000000000000fff");
const SUSPENDED: [(&str, &str); 5] = [
    OTHER_ID,
    ("    state: running", "    state: suspended"),
    (r#""state":"running""#, r#""state":"suspended""#),
    ("state: RUNNING", "state: FINISHED"),
    ("lifecycleState: STABLE", "lifecycleState: SUSPENDED"),
];

#[tokio::test]
async fn r11_each_half_of_a_settled_pair_is_a_job_like_any_other() {
    let alone = pair(&[], &[("BLUE", &[])]).evidence().await;
    assert_eq!(job(&alone, "orders-blue").phase, Phase::Running);
    // An aborted transition leaves the other half suspended.
    let aborted = pair(&[], &[("BLUE", &[]), ("GREEN", &SUSPENDED)])
        .evidence()
        .await;
    assert_eq!(job(&aborted, "orders-blue").phase, Phase::Running);
    assert_eq!(job(&aborted, "orders-green").phase, Phase::Suspended);
}

#[rstest]
#[case::transition(&[("ACTIVE_BLUE", "TRANSITIONING_TO_GREEN")], "TRANSITIONING_TO_GREEN")]
#[case::first(&[("ACTIVE_BLUE", "INITIALIZING_BLUE")], "INITIALIZING_BLUE")]
#[case::r10_savepoint(&[("ACTIVE_BLUE", "SAVEPOINTING_BLUE")], "savepoint")]
#[case::r10_trigger(&[("  blueGreenState", "  savepointTriggerId: abc\n  blueGreenState")], "savepoint")]
#[case::unheard_of(&[("ACTIVE_BLUE", "PURPLE")], "PURPLE")]
#[case::no_state(&[("blueGreenState", "other")], "without a state")]
#[case::undecodable(&[("blueGreenState: ACTIVE_BLUE", "blueGreenState: [ACTIVE_BLUE]")], "blueGreenState")]
#[case::deleted(&[("name: orders", "name: orders\n  deletionTimestamp: \"2026-11-21T06:00:00Z\"")], "being deleted")]
#[case::another_pair(&[("uid: 9a129a12", "uid: 00000000")], "not in sight")]
#[tokio::test]
async fn both_halves_of_a_pair_in_between_are_unclear(
    #[case] edits: &[(&str, &str)],
    #[case] says: &str,
) {
    let evidence = pair(edits, &[("BLUE", &[]), ("GREEN", &SUSPENDED)])
        .evidence()
        .await;
    for half in ["orders-blue", "orders-green"] {
        let phase = &job(&evidence, half).phase;
        assert!(
            matches!(phase, Phase::Unclear { why } if why.contains(says)),
            "{phase:?}"
        );
    }
}

#[tokio::test]
async fn a_half_that_runs_beside_the_active_one_is_still_needed_and_needs_it() {
    let evidence = pair(&[], &[("BLUE", &[]), ("GREEN", &[OTHER_ID])])
        .evidence()
        .await;
    for half in ["orders-blue", "orders-green"] {
        assert!(
            matches!(job(&evidence, half).phase, Phase::Unclear { .. }),
            "{half}"
        );
    }
}

#[tokio::test]
async fn a_half_without_its_pair_is_unclear() {
    let mut world = pair(&[], &[("BLUE", &[])]);
    world
        .resources
        .flink
        .retain(|(kind, _)| *kind == FlinkKind::Deployment);
    let evidence = world.evidence().await;
    assert!(matches!(
        job(&evidence, "orders-blue").phase,
        Phase::Unclear { .. }
    ));
}

#[tokio::test]
async fn of_manifests_only_what_somebody_says_is_believed() {
    let states = |running: &[&str], stopped: &[&str]| NamedStates {
        running: running.iter().map(|text| id(text)).collect(),
        stopped: stopped.iter().map(|text| id(text)).collect(),
    };
    let phase = async |states: NamedStates| {
        let world = World::default().deployment(&[]);
        let evidence = world.told(Some(&states)).await;
        // The namespace of a mount may be left out, and here is none at all.
        let namespace = evidence.jobs[0].bases[0].store().clone();
        let none = retention::location::Store::File {
            namespace: None,
            volume: None,
        };
        assert_eq!(namespace, none);
        evidence.jobs[0].phase.clone()
    };
    assert!(matches!(phase(states(&[], &[])).await, Phase::Unclear { why } if why.contains(JOB)));
    assert_eq!(phase(states(&[], &[JOB])).await, Phase::Stopped);
    assert_eq!(phase(states(&[JOB], &[])).await, Phase::Running);
    assert_eq!(phase(states(&[JOB], &[JOB])).await, Phase::Running);
}

#[tokio::test]
async fn manifests_are_observed_as_a_whole() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a.yaml"), STABLE).unwrap();
    let states = NamedStates {
        running: BTreeSet::new(),
        stopped: BTreeSet::from([id(JOB)]),
    };
    let observer = ManifestObserver::new(
        Manifests::read(directory.path()).unwrap(),
        states,
        Arc::new(NoJobManagers),
        Arc::new(Stores::default()),
        Arc::new(SystemClock),
    );
    let evidence = observer.observe().await;
    assert_eq!(evidence.jobs[0].phase, Phase::Stopped);
    assert_eq!(evidence.gaps, []);
}

#[tokio::test]
async fn what_an_earlier_resource_of_the_name_had_was_taken_over_by_nobody() {
    let anew = (
        "uid: 0d4b6a0e-8a5e-4b0e-9a53-0b6a0a9a1c11",
        "uid: 11111111-8a5e-4b0e-9a53-0b6a0a9a1c11",
    );
    let world = World::default().deployment(&[anew]).record();
    let evidence = world.evidence().await;
    let [job] = evidence.jobs.as_slice() else {
        panic!("{:?}", evidence.jobs)
    };
    let claim = |end: &str| job.claims(id(&format!("{end:0>32}")));
    assert_eq!(claim("aaa"), Some(Claim::Deleted));
    // Of this one the record does not say whose it was.
    assert_eq!(claim("bbb"), Some(Claim::Former));
    assert_eq!(claim("abc"), Some(Claim::Current));
}

#[rstest]
#[case("169.254.169.254/latest/meta-data?")]
#[case("orders-rest.other.svc:8081/?")]
#[case("../../other/configmaps/orders")]
#[case("Orders")]
#[case("-")]
#[tokio::test]
async fn nobody_is_asked_at_an_address_that_a_tenant_made_up(#[case] cluster: &str) {
    let deployed = format!("kubernetes.cluster-id: {cluster}\n");
    let mut world = World::default().deployment(&[]).map(MAP);
    world.config_maps.insert(
        "flink-config-orders".to_owned(),
        ConfigMapData {
            uid: String::new(),
            data: BTreeMap::from([("flink-conf.yaml".to_owned(), deployed)]),
        },
    );
    let evidence = world.evidence().await;
    assert_eq!(world.asked(), Vec::<String>::new());
    let job = evidence
        .jobs
        .iter()
        .find(|job| job.name.kind == "FlinkDeployment")
        .unwrap();
    assert!(matches!(
        &job.high_availability,
        HighAvailability::Unreadable { why } if why.contains("no name of a cluster")
    ));
    assert!(matches!(job.job_manager, JobManager::Unreachable { .. }));
    assert!(evidence.gaps.len() >= 2, "{:?}", evidence.gaps);
}
