#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
use crate::engine::SystemClock;
use crate::observe::source::{Process, Resources, Unread};
use async_trait::async_trait;
use retention::reference::Required;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use storage::LocalStorage;
use storage::faults::{Fault, FaultInjecting};
use testbed::corpus::{self, Times};

const JOB: &str = "00000000000000000000000000000abc";
const NAME: &str = "payments-00000000000000000000000000000abc-config-map";

/// Up to Flink 1.14, and with `high-availability.use-old-ha-services`.
const OLD_NAME: &str = "payments-00000000000000000000000000000abc-jobmanager-leader";

/// Answers with the next of some maps; the last one is repeated.
#[derive(Debug)]
struct Answers(Mutex<Vec<Option<ConfigMapData>>>);

/// Has the same map under some names.
#[derive(Debug)]
struct Named(ConfigMapData, Vec<&'static str>);

#[async_trait]
impl Source for Named {
    async fn resources(&self) -> Resources {
        Resources::default()
    }

    async fn config_map(&self, _: &str, name: &str) -> Result<Option<ConfigMapData>, Unread> {
        Ok(self.1.contains(&name).then(|| self.0.clone()))
    }

    async fn processes(&self, _: &str) -> Result<Vec<Process>, Unread> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl Source for Answers {
    async fn resources(&self) -> Resources {
        Resources::default()
    }

    async fn config_map(&self, _: &str, name: &str) -> Result<Option<ConfigMapData>, Unread> {
        if name != NAME {
            return Ok(None);
        }
        let mut answers = self.0.lock().unwrap();
        if answers.len() > 1 {
            return Ok(answers.remove(0));
        }
        Ok(answers[0].clone())
    }

    async fn processes(&self, _: &str) -> Result<Vec<Process>, Unread> {
        Ok(Vec::new())
    }
}

/// What a real cluster left: its map, and its files as a directory that is mounted as Flink saw it.
struct Captured {
    map: ConfigMapData,
    root: tempfile::TempDir,
    stores: Stores,
}

async fn captured() -> Captured {
    let entry = corpus::entry("2.1.3", "kubernetes-ha-failover").unwrap();
    let root = tempfile::tempdir().unwrap();
    entry
        .materialize(corpus::Tree::Left, root.path(), Times::Recorded)
        .unwrap();
    let yaml = std::fs::read_to_string(entry.dir.join("configmaps.yaml")).unwrap();
    let list: serde_json::Value = serde_saphyr::from_str(&yaml).unwrap();
    let item = &list["items"][0];
    assert_eq!(item["metadata"]["name"], NAME);
    let map = ConfigMapData {
        uid: item["metadata"]["uid"].as_str().unwrap().to_owned(),
        data: serde_json::from_value(item["data"].clone()).unwrap(),
    };
    let mut stores = Stores::default();
    let mounted = Location::parse("/flink1/tree", &Origin::default()).unwrap();
    let storage = LocalStorage::open(root.path()).await.unwrap();
    stores.add(mounted, Arc::new(storage));
    Captured { map, root, stores }
}

impl Captured {
    async fn read(&self, answers: Vec<Option<ConfigMapData>>) -> HighAvailability {
        self.read_from(&Answers(Mutex::new(answers))).await
    }

    async fn read_from(&self, source: &dyn Source) -> HighAvailability {
        let reader = HaReader {
            source,
            stores: &self.stores,
            clock: &SystemClock,
            patience: PATIENCE,
        };
        let job_id = JOB.parse().unwrap();
        reader
            .job("default", "payments", job_id, &Origin::default())
            .await
    }

    fn blob(&self, name: &str) -> PathBuf {
        self.root.path().join("ha/default").join(name)
    }

    fn without(&self, key: &str) -> ConfigMapData {
        let mut map = self.map.clone();
        map.data.remove(key).unwrap();
        map
    }
}

fn why(found: HighAvailability) -> String {
    match found {
        HighAvailability::Unreadable { why } => why,
        other => panic!("{other:?}"),
    }
}

fn map(found: HighAvailability) -> HaMap {
    match found {
        HighAvailability::Map(map) => *map,
        other => panic!("{other:?}"),
    }
}

const OLDEST: &str = "checkpointID-0000000000000000071";
const OLDEST_BLOB: &str = "completedCheckpoint8550efebf92d";

#[tokio::test]
async fn the_map_of_a_real_cluster_is_followed_to_its_files() {
    let captured = captured().await;
    let map = map(captured.read(vec![Some(captured.map.clone())]).await);
    assert_eq!(map.uid, "3176b63f-7fb6-412b-9f0c-068311fd9c6c");
    assert_eq!(map.usable_counter(), Some(73));
    let numbers: Vec<u64> = map
        .entries
        .iter()
        .map(|entry| entry.checkpoint_id)
        .collect();
    assert_eq!(numbers, [71, 72]);
    let latest = &map.latest().unwrap().checkpoint;
    assert_eq!(
        latest.pointer.as_ref().unwrap().to_string(),
        format!("file:/flink1/tree/ckp/{JOB}/chk-72")
    );
    assert_eq!(latest.job_id.to_string(), JOB);
    assert!(latest.completed >= latest.triggered);
    assert_eq!(latest.contents, retention::inventory::Contents::default());
    for reference in &latest.references {
        let (storage, key) = captured.stores.resolve(&reference.location).unwrap();
        let size = storage.stat(&key).await.unwrap().unwrap().version.size;
        assert!(reference.required <= Required(size), "{reference:?}");
    }
    assert!(latest.references.len() > 8, "{}", latest.references.len());
}

#[tokio::test]
async fn no_map_is_no_map() {
    let captured = captured().await;
    let found = captured.read(vec![None]).await;
    assert!(matches!(found, HighAvailability::NoMap { .. }), "{found:?}");
}

#[tokio::test]
async fn a_map_that_changes_while_it_is_read_is_read_again() {
    let captured = captured().await;
    let (full, later) = (Some(captured.map.clone()), Some(captured.without(OLDEST)));
    let map = map(captured.read(vec![full, later]).await);
    assert_eq!(map.entries.len(), 1);
}

#[tokio::test]
async fn a_blob_that_is_removed_together_with_its_key_is_no_problem() {
    let captured = captured().await;
    std::fs::remove_file(captured.blob(OLDEST_BLOB)).unwrap();
    let (full, later) = (Some(captured.map.clone()), Some(captured.without(OLDEST)));
    let map = map(captured.read(vec![full, later]).await);
    assert_eq!(map.entries.len(), 1);
}

#[tokio::test]
async fn a_blob_that_is_missing_while_its_key_stays_is_unreadable() {
    let captured = captured().await;
    std::fs::remove_file(captured.blob(OLDEST_BLOB)).unwrap();
    let why = why(captured.read(vec![Some(captured.map.clone())]).await);
    assert!(why.contains(OLDEST) && why.contains(OLDEST_BLOB), "{why}");
    let here = captured.root.path().to_str().unwrap();
    assert!(
        why.contains("file:/flink1/tree/") && !why.contains(here),
        "as its pods see it: {why}"
    );
}

/// Flink was killed between deleting the blob and removing the key (2.3.0 leaves such entries for ever).
#[tokio::test]
async fn a_blob_that_is_missing_is_no_problem_once_its_entry_is_marked() {
    use base64::Engine as _;
    let captured = captured().await;
    std::fs::remove_file(captured.blob(OLDEST_BLOB)).unwrap();
    let mut marked = captured.map.clone();
    let value = marked.data.get_mut(OLDEST).unwrap();
    let coding = base64::engine::general_purpose::STANDARD;
    let mut bytes = coding.decode(&*value).unwrap();
    // The field markedForDeletion.
    bytes[0xce] = 1;
    *value = coding.encode(bytes);
    let map = map(captured.read(vec![Some(marked)]).await);
    assert_eq!(map.entries.len(), 1);
    assert_eq!(map.entries[0].checkpoint_id, 72);
}

#[tokio::test]
async fn a_torn_blob_is_unreadable() {
    let captured = captured().await;
    let blob = std::fs::OpenOptions::new()
        .write(true)
        .open(captured.blob(OLDEST_BLOB))
        .unwrap();
    blob.set_len(1000).unwrap();
    let why = why(captured.read(vec![Some(captured.map.clone())]).await);
    assert!(why.contains("cannot be read"), "{why}");
}

#[tokio::test]
async fn a_value_that_is_no_handle_is_unreadable() {
    let captured = captured().await;
    for (key, value) in [
        (OLDEST, "bm90IGphdmE="),
        ("checkpointID-x", "bm90IGphdmE="),
        ("counter", "many"),
    ] {
        let mut map = captured.map.clone();
        map.data.insert(key.to_owned(), value.to_owned());
        let why = why(captured.read(vec![Some(map)]).await);
        assert!(why.contains(NAME), "{why}");
    }
}

#[tokio::test]
async fn a_blob_of_another_checkpoint_is_unreadable() {
    let captured = captured().await;
    let mut map = captured.map.clone();
    let value = map.data.remove(OLDEST).unwrap();
    map.data
        .insert("checkpointID-0000000000000000070".to_owned(), value);
    let why = why(captured.read(vec![Some(map)]).await);
    assert!(why.contains("checkpoint 71, not 70"), "{why}");
}

#[tokio::test]
async fn storage_that_cannot_be_reached_is_unreadable() {
    let mut captured = captured().await;
    captured.stores = Stores::default();
    let why = why(captured.read(vec![Some(captured.map.clone())]).await);
    assert!(why.contains("mount it"), "{why}");
}

#[tokio::test]
async fn a_map_that_never_stands_still_is_unreadable() {
    let captured = captured().await;
    let (a, b) = (Some(captured.map.clone()), Some(captured.without(OLDEST)));
    let restless: Vec<_> = (0..ATTEMPTS).flat_map(|_| [a.clone(), b.clone()]).collect();
    let why = why(captured.read(restless).await);
    assert!(why.contains("changed each of"), "{why}");
}

#[tokio::test]
async fn a_volume_that_hangs_is_given_up() {
    let captured = captured().await;
    let storage = LocalStorage::open(captured.root.path()).await.unwrap();
    let hangs = FaultInjecting::new(storage, |_| Fault::Delay(Duration::from_hours(1)));
    let mut stores = Stores::default();
    let mounted = Location::parse("/flink1/tree", &Origin::default()).unwrap();
    stores.add(mounted, Arc::new(hangs));
    let source = Answers(Mutex::new(vec![Some(captured.map.clone())]));
    let reader = HaReader {
        source: &source,
        stores: &stores,
        clock: &SystemClock,
        patience: Duration::from_millis(50),
    };
    let job_id = JOB.parse().unwrap();
    let found = reader
        .job("default", "payments", job_id, &Origin::default())
        .await;
    match found {
        HighAvailability::Unreadable { why } => {
            assert!(why.contains("is its volume there"), "{why}");
        }
        other => panic!("{other:?}"),
    }
}

/// In the old services the leader is in the same map, and renews its lease all the time.
#[tokio::test]
async fn the_map_of_an_old_flink_is_read_and_two_of_them_are_not() {
    let captured = captured().await;
    let mut old = captured.map.clone();
    old.data.insert(
        "address".to_owned(),
        "akka.tcp://flink@10.0.0.1:6123/user/rpc/jobmanager_2".to_owned(),
    );
    old.data.insert(
        "sessionId".to_owned(),
        "0d4b6a0e-8a5e-4b0e-9a53-0b6a0a9a1c11".to_owned(),
    );
    for name in [NAME, OLD_NAME] {
        let found = captured.read_from(&Named(old.clone(), vec![name])).await;
        assert_eq!(map(found).entries.len(), 2, "{name}");
    }
    let both = Named(old, vec![NAME, OLD_NAME]);
    let why = why(captured.read_from(&both).await);
    assert!(why.contains(NAME) && why.contains(OLD_NAME), "{why}");
    assert!(
        why.contains("(counter ") && why.contains("newest checkpoint "),
        "{why}"
    );
    assert!(
        why.contains("keep both if in doubt") && !why.contains("remove"),
        "{why}"
    );
}
