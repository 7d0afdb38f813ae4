use super::world::World;
use flink_retention::api::flink::FlinkKind;
use flink_retention::engine::Stores;
use retention::evidence::Claim;
use serde_json::Value;

const PAYMENTS: &str = "00000000000000000000000000000fff";

/// Any JSON as a resource of each kind, beside a job that has nothing to do with it.
pub fn flink_resources(bytes: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    let mut world = World::default();
    world.running("payments", PAYMENTS);
    world.flink(FlinkKind::Deployment, "orders", value.clone());
    world.flink(FlinkKind::SessionJob, "clicks", value.clone());
    world.flink(FlinkKind::StateSnapshot, "made", value.clone());
    world.flink(FlinkKind::BlueGreenDeployment, "pair", value.clone());
    world.inventory("record", value);
    let evidence = world.evidence(Stores::default());
    let id = PAYMENTS.parse().expect("a job id");
    let jobs = || evidence.jobs.iter();
    assert!(jobs().any(|job| job.claims(id) == Some(Claim::Current)));
    for name in ["payments", "orders", "clicks"] {
        assert!(jobs().any(|job| job.name.name == name), "{name} is lost");
    }
}
