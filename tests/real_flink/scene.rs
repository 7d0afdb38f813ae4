//! What is told: a release, a state backend, and how garbage comes about.

use std::fmt;

use testbed::flink::{ClaimMode, FlinkVersion, StateBackend};

use crate::leak::Leak;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Scene {
    pub(crate) version: FlinkVersion,
    pub(crate) backend: StateBackend,
    pub(crate) place: Place,
    pub(crate) high_availability: bool,
    pub(crate) leak: Leak,
}

/// Where state is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Volume,
    /// A bucket of a real server, which Flink reaches through `flink-s3-fs-hadoop`.
    S3,
}

impl Scene {
    /// Every backend of every release loses its `JobManager`; `RocksDB`, whose files live longest, has every other
    /// trouble with every release, and the backends whose files belong to processes have those that end a process.
    pub(crate) fn all() -> Vec<Self> {
        let mut scenes = Vec::new();
        for version in FlinkVersion::ALL {
            let backends = StateBackend::all(version);
            let mut add = |backend, leaks: &[Leak]| {
                scenes.extend(leaks.iter().map(|&leak| Self {
                    version,
                    backend,
                    place: Place::Volume,
                    high_availability: true,
                    leak,
                }));
            };
            for &backend in backends {
                add(backend, &[Leak::JobManagerKills]);
            }
            add(
                StateBackend::RocksDb,
                &[
                    Leak::TaskManagerKill,
                    Leak::Timeouts,
                    Leak::Declines,
                    Leak::NativeSavepoint,
                    Leak::ClaimedForEver,
                ],
            );
            for &mode in ClaimMode::all(version, StateBackend::RocksDb) {
                add(StateBackend::RocksDb, &[Leak::Upgrades(mode)]);
            }
            for &backend in backends {
                match (version, backend) {
                    (FlinkVersion::V2_3, StateBackend::Changelog | StateBackend::FileMerging) => {
                        let claim = Leak::Upgrades(ClaimMode::Claim);
                        add(backend, &[Leak::TaskManagerKill, claim]);
                    }
                    // After CLAIM and a killed JobManager, 2.3.0 deletes files of the live database (FLINK-37686).
                    (FlinkVersion::V2_3, StateBackend::ForSt) => {
                        let no_claim = Leak::Upgrades(ClaimMode::NoClaim);
                        add(backend, &[Leak::TaskManagerKill, no_claim]);
                    }
                    (_, _) => {}
                }
            }
            // Without high availability a job does not outlive its JobManager, but does its TaskManager.
            scenes.push(Self {
                version,
                backend: StateBackend::RocksDb,
                place: Place::Volume,
                high_availability: false,
                leak: Leak::TaskManagerKill,
            });
        }
        for version in [FlinkVersion::V1_20, FlinkVersion::V2_3] {
            let leaks = [Leak::JobManagerKills, Leak::Upgrades(ClaimMode::Claim)];
            scenes.extend(leaks.map(|leak| Self {
                version,
                backend: StateBackend::RocksDb,
                place: Place::S3,
                high_availability: true,
                leak,
            }));
        }
        scenes
    }

    pub(crate) fn state(self) -> String {
        let backend = self.backend.name();
        match self.place {
            Place::Volume => backend.to_owned(),
            Place::S3 => format!("{backend} on S3"),
        }
    }

    pub(crate) fn trouble(self) -> String {
        if self.high_availability {
            self.leak.to_string()
        } else {
            format!("{}, no HA", self.leak)
        }
    }

    /// Guards that keep garbage of a running job which cannot be told from live files; none where it can be told.
    pub(crate) fn guards_while_it_runs(self) -> &'static [&'static str] {
        match self.backend {
            // No checkpoint shows that the next job does without the files of the former.
            _ if self.leak == Leak::ClaimedForEver => &["unknown-owner"],
            StateBackend::HashMap | StateBackend::RocksDb => &[],
            StateBackend::Changelog => &["live-backend", "not-plain", "opaque-task-owned"],
            StateBackend::FileMerging => &["live-backend", "not-plain"],
            StateBackend::ForSt => &["live-backend", "not-plain", "live-descendant"],
        }
    }

    /// What a checkpoint names may be so much less than what an earlier one named, in percent. Where a few MB are half
    /// changelog or half dead bytes in merged files, it is one moment twice as much as the next.
    pub(crate) fn may_shrink_by(self) -> u8 {
        match self.backend {
            StateBackend::HashMap | StateBackend::RocksDb | StateBackend::ForSt => 50,
            StateBackend::Changelog | StateBackend::FileMerging => 90,
        }
    }

    /// A folder name and the guard that keeps it even when the job is over.
    pub(crate) fn kept_to_the_end(self) -> Option<(&'static str, &'static str)> {
        match self.backend {
            StateBackend::Changelog => Some(("taskowned", "opaque-task-owned")),
            StateBackend::HashMap
            | StateBackend::RocksDb
            | StateBackend::FileMerging
            | StateBackend::ForSt => None,
        }
    }
}

impl fmt::Display for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (release, state) = (self.version.release(), self.state());
        write!(f, "{release}, {state}, {}", self.trouble())
    }
}
