use super::world::{NOW, World};
use flink_metadata::ha::{parse_blob, parse_config_map_value, parse_pointer};
use flink_retention::engine::Stores;
use retention::evidence::{Evidence, HighAvailability};
use retention::location::{Location, Origin};
use std::collections::BTreeMap;
use std::sync::Arc;
use storage::Key;
use storage::memory::MemoryStorage;

const JOB: &str = "00000000000000000000000000000abc";
const MAP: &str = "orders-00000000000000000000000000000abc-config-map";
/// Where the pointer below points to.
const BLOB: &str = "completedCheckpoint0123456789ab";
const POINTER: &str = include_str!(
    "../../../crates/flink-metadata/tests/fixtures/high-availability/flink-1.14.6.pointer"
);

/// The data of a job's high-availability map, if it is a JSON object of texts; otherwise a blob that a map names, and
/// the object that points to one.
pub fn ha_values(bytes: &[u8]) {
    if let Ok(data) = serde_json::from_slice::<BTreeMap<String, String>>(bytes) {
        for value in data.values() {
            let _ = parse_config_map_value(value);
        }
        return map(data);
    }
    let _ = parse_pointer(bytes);
    blob(bytes);
}

fn map(data: BTreeMap<String, String>) {
    let entries = data.keys().filter(|key| key.starts_with("checkpointID-"));
    let entries = entries.count();
    match observed(data, &[]) {
        // Of what the store does not have, only what Flink itself was removing may be left out.
        HighAvailability::Map(map) => assert!(map.entries.len() <= entries),
        HighAvailability::Unreadable { why } => assert!(!why.is_empty()),
        other => panic!("{other:?}"),
    }
}

fn blob(bytes: &[u8]) {
    let parsed = parse_blob(bytes);
    let number = parsed.as_ref().map_or(7, |parsed| parsed.checkpoint_id);
    let key = format!("checkpointID-{number:019}");
    let data = BTreeMap::from([(key, POINTER.trim().to_owned())]);
    match (observed(data, bytes), parsed) {
        (HighAvailability::Map(map), Ok(parsed)) => {
            let [entry] = map.entries.as_slice() else {
                panic!("{:?}", map.entries)
            };
            assert_eq!(entry.checkpoint_id, number);
            let paths = parsed.references.iter();
            assert!(paths.clone().all(|reference| !reference.path().is_empty()));
            assert!(entry.checkpoint.references.len() <= paths.len());
        }
        (HighAvailability::Unreadable { why }, _) => assert!(!why.is_empty()),
        (other, parsed) => panic!("{parsed:?} is {other:?}"),
    }
}

fn observed(data: BTreeMap<String, String>, blob: &[u8]) -> HighAvailability {
    let memory = MemoryStorage::new(Arc::new(|| NOW));
    let key = Key::parse(BLOB).expect("a key");
    memory.insert_file(&key, blob.to_vec());
    let mut stores = Stores::default();
    let root = Location::parse("/ha dir", &Origin::default()).expect("a location");
    stores.add(root, Arc::new(memory));
    let mut world = World::default();
    world.running("orders", JOB);
    world.config_map(MAP, data);
    let Evidence { jobs, .. } = world.evidence(stores);
    let orders = jobs.into_iter().find(|job| job.name.name == "orders");
    orders.expect("the job").high_availability
}
