#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;

fn with(entries: &[(&str, &str)]) -> FlinkConfiguration {
    entries.iter().copied().collect()
}

#[test]
fn every_spelling_is_found_and_the_newest_wins() {
    for spellings in [
        CHECKPOINT_DIRECTORY,
        SAVEPOINT_DIRECTORY,
        HIGH_AVAILABILITY_DIRECTORY,
        CHANGELOG_DIRECTORY,
    ] {
        for (age, spelling) in spellings.iter().enumerate() {
            let older = spellings[age + 1..].iter().map(|older| (*older, "old"));
            let configuration: FlinkConfiguration = older.chain([(*spelling, " new ")]).collect();
            assert_eq!(configuration.lookup(spellings), Some((*spelling, "new")));
        }
    }
    let both = with(&[
        ("state.checkpoints.dir", "a"),
        ("execution.checkpointing.dir", "b"),
    ]);
    assert_eq!(both.checkpoint_directory(), Some("b"));
    assert_eq!(
        both.all_values(CHECKPOINT_DIRECTORY).collect::<Vec<_>>(),
        ["b", "a"]
    );
}

#[test]
fn absent_options_have_the_defaults_of_flink() {
    let empty = FlinkConfiguration::default();
    assert_eq!(empty.checkpoint_directory(), None);
    assert_eq!(empty.create_job_subdirectory(), Ok(true));
    assert_eq!(empty.num_retained(), Ok(1));
    assert_eq!(empty.high_availability(), HighAvailability::None);
    assert_eq!(empty.changelog_enabled(), Ok(false));
    assert_eq!(empty.file_merging_enabled(), Ok(false));
    assert_eq!(empty.claim_mode(), ClaimMode::NoClaim);
    assert_eq!(empty.checkpoint_timeout(), Ok(Duration::from_mins(10)));
    assert_eq!(empty.checkpoint_interval(), Ok(None));
    assert_eq!(empty.max_concurrent_checkpoints(), Ok(1));
    assert_eq!(empty.state_backend(), None);
}

#[test]
fn words_are_read_as_flink_reads_them_and_unknown_ones_are_kept() {
    let ha = |value| with(&[("high-availability", value)]).high_availability();
    assert_eq!(ha("KUBERNETES"), HighAvailability::Kubernetes);
    assert_eq!(
        ha("org.apache.flink.kubernetes.highavailability.KubernetesHaServicesFactory"),
        HighAvailability::Kubernetes
    );
    assert_eq!(ha("zookeeper"), HighAvailability::ZooKeeper);
    assert_eq!(
        ha("com.example.Ha"),
        HighAvailability::Other("com.example.Ha".to_owned())
    );
    assert_eq!(
        with(&[("recovery.mode", "STANDALONE")]).high_availability(),
        HighAvailability::None
    );

    let backend = |value| with(&[("state.backend", value)]).state_backend().unwrap();
    assert_eq!(backend("RocksDB"), StateBackend::RocksDb);
    assert_eq!(backend("filesystem"), StateBackend::HashMap);
    assert_eq!(backend("forst"), StateBackend::ForSt);
    assert_eq!(
        backend("com.example.B"),
        StateBackend::Other("com.example.B".to_owned())
    );

    let claim = |value| with(&[("execution.savepoint-restore-mode", value)]).claim_mode();
    assert_eq!(claim("no_claim"), ClaimMode::NoClaim);
    assert_eq!(claim("CLAIM"), ClaimMode::Claim);
    assert_eq!(claim("LEGACY"), ClaimMode::Legacy);
    assert_eq!(claim("BORROW"), ClaimMode::Other("BORROW".to_owned()));
}

#[test]
fn a_value_that_means_nothing_is_an_error_and_not_the_default() {
    let invalid = with(&[
        ("state.checkpoints.create-subdir", "no"),
        ("state.checkpoints.num-retained", "many"),
        ("execution.checkpointing.timeout", "a while"),
        ("state.backend.changelog.enabled", "1"),
    ]);
    let error = invalid.create_job_subdirectory().unwrap_err();
    assert_eq!(
        error.to_string(),
        "state.checkpoints.create-subdir: \"no\" is not true or false"
    );
    assert!(invalid.num_retained().is_err());
    assert!(
        invalid
            .checkpoint_timeout()
            .unwrap_err()
            .to_string()
            .contains("PT10M")
    );
    assert!(invalid.changelog_enabled().is_err());
}

#[test]
fn less_than_one_retained_checkpoint_is_one() {
    for (text, retained) in [("0", 1), ("-3", 1), ("1", 1), ("5", 5)] {
        assert_eq!(
            with(&[("state.checkpoints.num-retained", text)]).num_retained(),
            Ok(retained)
        );
    }
}
