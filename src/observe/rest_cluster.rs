//! What a JobManager was started with: `/jobmanager/config`.

use crate::api::flink::{FlinkConfiguration, options};
use crate::observe::rest_answers::{parse, word};
use jiff::SignedDuration;
use retention::evidence::{ClaimMode, ClusterConfiguration};
use serde::Deserialize;

/// Flink's default of `web.refresh-interval`.
const REFRESH_INTERVAL: SignedDuration = SignedDuration::from_secs(3);

#[derive(Deserialize)]
struct Setting {
    key: String,
    value: Option<String>,
}

/// Only what was set is told; what decides and cannot be understood is an error.
pub(super) fn cluster_configuration(bytes: &[u8]) -> Result<ClusterConfiguration, String> {
    let settings: Vec<Setting> = parse("/jobmanager/config", bytes)?;
    let configuration: FlinkConfiguration = settings
        .into_iter()
        .filter_map(|Setting { key, value }| Some((key, value?)))
        .collect();
    Ok(ClusterConfiguration {
        high_availability: high_availability(&configuration).map(word).transpose()?,
        job_managers: job_managers(&configuration)?,
        statistics_cache: statistics_cache(&configuration)?,
        claim_mode: claim_mode(&configuration),
    })
}

fn high_availability(configuration: &FlinkConfiguration) -> Option<String> {
    match configuration.high_availability() {
        options::HighAvailability::None => None,
        options::HighAvailability::Kubernetes => Some("kubernetes".to_owned()),
        options::HighAvailability::ZooKeeper => Some("ZooKeeper".to_owned()),
        options::HighAvailability::Other(kind) => Some(kind),
    }
}

fn job_managers(configuration: &FlinkConfiguration) -> Result<u64, String> {
    let invalid = |error| format!("its JobManager has an unreadable number of replicas: {error}");
    configuration.job_manager_replicas().map_err(invalid)
}

fn statistics_cache(configuration: &FlinkConfiguration) -> Result<SignedDuration, String> {
    let invalid = |error| format!("how old its statistics may be cannot be read: {error}");
    let told = configuration.statistics_cache().map_err(invalid)?;
    let told = told.map(|told| SignedDuration::try_from(told).unwrap_or(SignedDuration::MAX));
    Ok(told.unwrap_or(REFRESH_INTERVAL))
}

/// The settings of a session cluster are not those of its jobs.
fn claim_mode(configuration: &FlinkConfiguration) -> ClaimMode {
    if configuration.get("execution.target") != Some("embedded") {
        return ClaimMode::Unknown;
    }
    match configuration.claim_mode() {
        options::ClaimMode::Claim => ClaimMode::Claim,
        options::ClaimMode::NoClaim => ClaimMode::NoClaim,
        options::ClaimMode::Legacy => ClaimMode::Legacy,
        options::ClaimMode::Other(_) => ClaimMode::Unknown,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn told(settings: &[(&str, &str)]) -> Result<ClusterConfiguration, String> {
        let settings: Vec<serde_json::Value> = settings
            .iter()
            .map(|(key, value)| serde_json::json!({"key": key, "value": value}))
            .collect();
        cluster_configuration(&serde_json::to_vec(&settings).unwrap())
    }

    #[test]
    fn what_was_not_set_has_its_default() {
        let cluster = told(&[]).unwrap();
        assert_eq!(cluster.high_availability, None);
        assert_eq!(cluster.job_managers, 1);
        assert_eq!(cluster.statistics_cache, SignedDuration::from_secs(3));
        assert_eq!(cluster.claim_mode, ClaimMode::Unknown, "a session cluster");
    }

    #[test]
    fn the_longest_cache_counts() {
        let cluster = told(&[
            ("web.refresh-interval", "60000"),
            ("rest.cache.checkpoint-statistics.timeout", "500 ms"),
        ]);
        // Up to 1.17 the second is not known to Flink.
        let minute = SignedDuration::from_mins(1);
        assert_eq!(cluster.unwrap().statistics_cache, minute);
    }

    #[test]
    fn every_spelling_of_high_availability_is_told() {
        for (key, value) in [
            ("high-availability", "zookeeper"),
            ("high-availability.type", "KUBERNETES"),
            ("high-availability.type", "my.Factory"),
        ] {
            assert!(told(&[(key, value)]).unwrap().high_availability.is_some());
        }
        let none = told(&[("high-availability.type", "NONE")]).unwrap();
        assert_eq!(none.high_availability, None);
    }

    #[test]
    fn the_claim_mode_of_an_application_is_told() {
        let target = ("execution.target", "embedded");
        let mode = ("execution.savepoint-restore-mode", "LEGACY");
        assert_eq!(told(&[target, mode]).unwrap().claim_mode, ClaimMode::Legacy);
        assert_eq!(told(&[target]).unwrap().claim_mode, ClaimMode::NoClaim);
    }

    #[test]
    fn what_cannot_be_understood_is_not_guessed() {
        assert!(told(&[("kubernetes.jobmanager.replicas", "two")]).is_err());
        assert!(told(&[("web.refresh-interval", "soon")]).is_err());
        assert!(cluster_configuration(b"{}").is_err());
    }
}
