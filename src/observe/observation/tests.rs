#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
use crate::engine::Observer;
use crate::engine::SystemClock;
use crate::observe::deployment::tests::object;
use crate::observe::job_manager::{ClusterAddress, NoJobManagers};
use crate::observe::jobs_overview::JobsOverview;
use crate::observe::manifests::Manifests;
use crate::observe::observer::ManifestObserver;
use crate::observe::source::{ConfigMapData, Process, Unread};
use async_trait::async_trait;
use kube::api::DynamicObject;
use retention::evidence::{Claim, Phase, Radius};
use retention::guard::Guard;
use retention::layout::JobId;
use retention::location::Location;
use rstest::rstest;
use std::sync::{Arc, Mutex};

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
        let object = FlinkObject::read(kind, object(yaml, edits));
        self.resources.flink.push(object);
        self
    }

    fn deployment(self, edits: &[(&str, &str)]) -> Self {
        self.with(FlinkKind::Deployment, STABLE, edits)
    }

    fn record(mut self) -> Self {
        self.resources.inventories.push(object(RECORD, &[]).into());
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

mod garbage;
mod pairs;
mod roots;
mod sessions;

fn job<'a>(evidence: &'a Evidence, name: &str) -> &'a JobEvidence {
    let found = evidence.jobs.iter().find(|job| job.name.name == name);
    found.unwrap_or_else(|| panic!("no {name}: {evidence:?}"))
}

/// All that somebody is told who records jobs one by one, by their names.
async fn sights(world: &World) -> (BTreeMap<String, Sight>, Listed) {
    let (sender, mut coming) = mpsc::channel::<Sight>(1);
    let stores = Stores::default();
    let observation = Observation {
        source: world,
        job_managers: world,
        stores: &stores,
        clock: &SystemClock,
        states: None,
    };
    let all = async {
        let mut all = BTreeMap::new();
        while let Some(sight) = coming.recv().await {
            all.insert(sight.job.name.to_string(), sight);
        }
        all
    };
    let (listed, all) = futures::join!(observation.look(sender), all);
    (all, listed)
}

#[tokio::test]
async fn a_sight_has_the_resource_and_the_record_of_its_job() {
    let world = World::default().deployment(&[]).record();
    let (all, listed) = sights(&world).await;
    assert_eq!(listed.unread, []);
    let evidence = world.evidence().await;
    let told: Vec<String> = all.keys().cloned().collect();
    assert_eq!(told, names(&evidence));
    let sight = &all["FlinkDeployment flink/orders"];
    let uid = sight.resource.as_ref().unwrap().uid.as_deref();
    assert_eq!(uid, object(STABLE, &[]).metadata.uid.as_deref());
    let recorded = sight.recorded.as_ref().unwrap().object();
    assert_eq!(recorded, object(RECORD, &[]));
    // Of a resource that is gone there is a record only.
    let (gone, _) = sights(&World::default().record()).await;
    let sight = &gone["FlinkDeployment flink/orders"];
    assert!(sight.resource.is_none() && sight.recorded.is_some());
}

/// A job that is missing from half a list is not gone.
#[rstest]
#[case::everywhere(None, &[])]
#[case::here(Some("flink"), &[])]
#[case::elsewhere(Some("other"), &["FlinkDeployment flink/orders"])]
#[tokio::test]
async fn nothing_is_told_of_a_namespace_that_was_not_listed(
    #[case] namespace: Option<&str>,
    #[case] told: &[&str],
) {
    let mut world = World::default().record();
    world.resources.hidden_jobs = vec![Unread {
        what: "the FlinkDeployment objects".to_owned(),
        namespace: namespace.map(str::to_owned),
        why: "403".to_owned(),
    }];
    let (all, listed) = sights(&world).await;
    assert_eq!(all.keys().collect::<Vec<_>>(), told);
    assert_eq!(listed.unread, world.resources.hidden_jobs);
}

fn names(evidence: &Evidence) -> Vec<String> {
    let jobs = evidence.jobs.iter();
    jobs.map(|job| job.name.to_string()).collect()
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
    let observed = |time: Option<&str>| Claim::Deleted {
        observed: time.map(|time| time.parse().unwrap()),
    };
    assert_eq!(evidence.jobs[0].claims(former), Some(observed(None)));
    assert_eq!(evidence.gaps, []);
    let time = "2026-11-21T06:00:00Z";
    let dated = (
        "    lastSeen: \"2026-11-21T06:00:00Z\"",
        "    lastSeen: \"2026-11-21T06:00:00Z\"\n    deletedTime: \"2026-11-21T06:00:00Z\"",
    );
    let mut world = World::default();
    world
        .resources
        .inventories
        .push(object(RECORD, &[dated]).into());
    let evidence = world.evidence().await;
    assert_eq!(evidence.jobs[0].claims(former), Some(observed(Some(time))));
}

/// Its absence says nothing of it then, so that nothing of it may go.
#[rstest]
#[case::processes_of_it(|world: &mut World| {
    world.processes.push(Process { name: "orders-taskmanager-1-1".to_owned(), labels: BTreeMap::new() });
})]
#[case::its_kind_is_not_installed(|world: &mut World| {
    world.resources.not_installed.insert(FlinkKind::Deployment);
})]
#[case::its_namespace_ends(|world: &mut World| {
    world.resources.ending_namespaces.insert("flink".to_owned(), "it is being deleted".to_owned());
})]
#[case::it_could_not_be_listed(|world: &mut World| {
    world.resources.unread.push(Unread { what: "the objects".to_owned(), namespace: Some("flink".to_owned()), why: "403".to_owned() });
})]
#[case::nothing_could_be_listed(|world: &mut World| {
    world.resources.unread.push(Unread { what: "the objects".to_owned(), namespace: None, why: "403".to_owned() });
})]
#[tokio::test]
async fn a_resource_that_is_missing_need_not_be_gone(#[case] doubt: fn(&mut World)) {
    let mut world = World::default().record();
    doubt(&mut world);
    let evidence = world.evidence().await;
    let phase = &evidence.jobs[0].phase;
    assert!(matches!(phase, Phase::Unclear { .. }), "{phase:?}");
}

#[tokio::test]
async fn r7_a_map_that_no_resource_runs_is_a_job_of_its_own() {
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
    assert_eq!(claim("aaa"), Some(Claim::Deleted { observed: None }));
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
