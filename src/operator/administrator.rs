//! The administrator's file: what no tenant can give to himself.
//!
//! ```yaml
//! version: 1
//! paused: false
//! log: info,flink_retention=debug
//! floors: {minAge: 24h, gracePeriod: 24h, deletedJobs: 7d, unrestorable: 24h, adoptIdle: 30d, settle: 2m, clockSkew: 10m}
//! grants:
//! - namespace: payments
//!   bases:
//!   - location: file:/opt/flink/volume
//!     exclusive: false
//!   endpoints: ["https://minio.storage:9000"]
//!   workersMayDelete: false
//! ```
//!
//! Without the file nothing is granted. While the file cannot be used nothing is deleted, for nobody knows whether it says
//! so; what the last good one granted can still be looked at.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::SignedDuration;
use retention::location::{Location, Origin};
use retention::policy::{Exclusive, Floors, Margins};
use serde::Deserialize;

use super::endpoint::{Endpoint, InvalidEndpoint};
use crate::api::Duration;

/// The only version that this program understands.
const VERSION: u64 = 1;
/// A file larger than this is no administrator's file.
const MAX_BYTES: u64 = 1 << 20;

/// What the administrator allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Administrator {
    /// Nothing is deleted anywhere, and why.
    pub paused: Option<Pause>,
    pub floors: Floors,
    pub grants: Vec<Grant>,
    /// Which log lines are written, in place of what `--log` says.
    pub log: Option<String>,
}

/// Why nothing is deleted anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// The file says `paused: true`.
    AskedFor,
    /// The file cannot be used. What it may say, such as `paused`, or a higher floor, is not known.
    FileUnusable,
}

impl Pause {
    /// In words that tenants may read.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            Self::AskedFor => "the administrator has paused all deleting",
            Self::FileUnusable => {
                "the administrator's file cannot be used, and may ask for a pause: the operator's log says what is wrong with it"
            }
        }
    }
}

/// What one namespace may reach with the operator's own identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub namespace: String,
    pub bases: Vec<GrantedBase>,
    /// Endpoints of object stores that policies of the namespace may name.
    pub endpoints: Vec<Endpoint>,
    /// Whether workers of the namespace may delete, and not only look. Which volume a job meant that is gone by now, or
    /// whose template has changed, nobody recorded: whoever grants this says that in the namespace a path has always been on
    /// one volume.
    pub workers_may_delete: bool,
}

/// A directory below which policies of a namespace may act.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantedBase {
    pub location: String,
    /// No snapshot elsewhere names a file there, but those of jobs of that namespace that keep their state there: so what
    /// cannot be read elsewhere does not protect it. It widens nothing.
    #[serde(default)]
    pub exclusive: bool,
}

/// A file that says nothing that can be followed.
#[derive(Debug, thiserror::Error)]
pub enum AdministratorError {
    #[error("cannot read the administrator's file {}: {why}", path.display())]
    Unreadable { path: PathBuf, why: String },
    #[error("the administrator's file cannot be understood: {0}")]
    Yaml(String),
    #[error(
        "the administrator's file has version {found}; this program knows version {VERSION} only: write `version: {VERSION}`, or upgrade the operator"
    )]
    Version { found: String },
    #[error(
        "the administrator's file calls {location} exclusive to {namespace}, and grants {other_location} to {other}: drop `exclusive`, or the other grant"
    )]
    NotExclusive {
        namespace: String,
        location: String,
        other: String,
        other_location: String,
    },
    #[error("the administrator's file grants {namespace} an endpoint: {error}")]
    Endpoint {
        namespace: String,
        error: InvalidEndpoint,
    },
    #[error("the administrator's file grants {namespace} the directory {location:?}: {why}")]
    Location {
        namespace: String,
        location: String,
        why: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct File {
    #[allow(
        dead_code,
        reason = "checked before the rest, which may be of another version"
    )]
    version: u64,
    #[serde(default)]
    paused: bool,
    #[serde(default)]
    floors: FileFloors,
    #[serde(default)]
    grants: Vec<FileGrant>,
    #[serde(default)]
    log: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct FileFloors {
    min_age: Option<Duration>,
    grace_period: Option<Duration>,
    deleted_jobs: Option<Duration>,
    unrestorable: Option<Duration>,
    adopt_idle: Option<Duration>,
    keep_within: Option<Duration>,
    settle: Option<Duration>,
    clock_skew: Option<Duration>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct FileGrant {
    namespace: String,
    #[serde(default)]
    bases: Vec<GrantedBase>,
    #[serde(default)]
    endpoints: Vec<String>,
    #[serde(default)]
    workers_may_delete: bool,
}

impl Administrator {
    /// Nothing granted, with the floors that hold where nobody set any.
    #[must_use]
    pub fn nothing_granted() -> Self {
        Self {
            paused: None,
            floors: Floors::default(),
            grants: Vec::new(),
            log: None,
        }
    }

    /// Reads the text of a file.
    pub fn parse(text: &str) -> Result<Self, AdministratorError> {
        let yaml = |error: serde_saphyr::Error| AdministratorError::Yaml(error.to_string());
        let value: serde_json::Value = serde_saphyr::from_str(text).map_err(yaml)?;
        match value.get("version") {
            Some(version) if version.as_u64() == Some(VERSION) => {}
            found => {
                return Err(AdministratorError::Version {
                    found: found.map_or_else(|| "none".to_owned(), ToString::to_string),
                });
            }
        }
        let File {
            version: _,
            paused,
            floors,
            grants,
            log,
        } = serde_saphyr::from_str(text).map_err(yaml)?;
        let grants: Vec<Grant> = grants.into_iter().map(grant).collect::<Result<_, _>>()?;
        refuse_contradictions(&grants)?;
        Ok(Self {
            paused: paused.then_some(Pause::AskedFor),
            floors: with_defaults(&floors),
            grants,
            log,
        })
    }

    /// Whether policies of a namespace may act at a location. `origin` is that of the namespace's own paths.
    #[must_use]
    pub fn grants(&self, namespace: &str, location: &Location, origin: &Origin) -> bool {
        self.grants
            .iter()
            .filter(|grant| grant.namespace == namespace)
            .flat_map(|grant| &grant.bases)
            .filter_map(|base| Location::parse(&base.location, origin).ok())
            .any(|granted| location.relative_to(&granted).is_some())
    }

    /// The directories of a namespace that are exclusive to it.
    #[must_use]
    pub fn exclusive(&self, namespace: &str, origin: &Origin) -> Vec<Exclusive> {
        self.grants
            .iter()
            .filter(|grant| grant.namespace == namespace)
            .flat_map(|grant| &grant.bases)
            .filter(|base| base.exclusive)
            .filter_map(|base| Location::parse(&base.location, origin).ok())
            .map(|location| Exclusive {
                location,
                namespace: namespace.to_owned(),
            })
            .collect()
    }

    /// Whether policies of a namespace may name an endpoint, however it is spelt.
    #[must_use]
    pub fn grants_endpoint(&self, namespace: &str, endpoint: &str) -> bool {
        let Ok(endpoint) = endpoint.parse::<Endpoint>() else {
            return false;
        };
        self.grants
            .iter()
            .filter(|grant| grant.namespace == namespace)
            .any(|grant| grant.endpoints.contains(&endpoint))
    }

    /// Whether workers of a namespace may delete.
    #[must_use]
    pub fn lets_workers_delete(&self, namespace: &str) -> bool {
        let mut grants = self.grants.iter();
        grants.any(|grant| grant.namespace == namespace && grant.workers_may_delete)
    }
}

/// What is exclusive to one namespace cannot be another's as well. (A path of a volume is another one in each.)
fn refuse_contradictions(grants: &[Grant]) -> Result<(), AdministratorError> {
    let parsed = |grant: &Grant, base: &GrantedBase| {
        let origin = Origin {
            namespace: Some(grant.namespace.clone()),
            ..Origin::default()
        };
        Location::parse(&base.location, &origin).ok()
    };
    let bases = || {
        grants
            .iter()
            .flat_map(|grant| grant.bases.iter().map(move |base| (grant, base)))
    };
    for (grant, base) in bases().filter(|(_, base)| base.exclusive) {
        let Some(exclusive) = parsed(grant, base) else {
            continue;
        };
        let other = bases()
            .filter(|(other, _)| other.namespace != grant.namespace)
            .find(|(other, theirs)| {
                parsed(other, theirs).is_some_and(|theirs| {
                    theirs.may_be_below(&exclusive) || exclusive.may_be_below(&theirs)
                })
            });
        if let Some((other, theirs)) = other {
            return Err(AdministratorError::NotExclusive {
                namespace: grant.namespace.clone(),
                location: base.location.clone(),
                other: other.namespace.clone(),
                other_location: theirs.location.clone(),
            });
        }
    }
    Ok(())
}

fn grant(grant: FileGrant) -> Result<Grant, AdministratorError> {
    let FileGrant {
        namespace,
        bases,
        endpoints,
        workers_may_delete,
    } = grant;
    for base in &bases {
        if let Err(error) = Location::parse(&base.location, &Origin::default()) {
            return Err(AdministratorError::Location {
                namespace,
                location: base.location.clone(),
                why: error.to_string(),
            });
        }
    }
    let endpoints: Result<Vec<Endpoint>, InvalidEndpoint> =
        endpoints.iter().map(|endpoint| endpoint.parse()).collect();
    match endpoints {
        Ok(endpoints) => Ok(Grant {
            namespace,
            bases,
            endpoints,
            workers_may_delete,
        }),
        Err(error) => Err(AdministratorError::Endpoint { namespace, error }),
    }
}

fn with_defaults(floors: &FileFloors) -> Floors {
    let FileFloors {
        min_age,
        grace_period,
        deleted_jobs,
        unrestorable,
        adopt_idle,
        keep_within,
        settle,
        clock_skew,
    } = *floors;
    let default = Floors::default();
    Floors {
        min_age: min_age.map_or(default.min_age, signed),
        grace_period: grace_period.map_or(default.grace_period, signed),
        deleted_jobs: deleted_jobs.map_or(default.deleted_jobs, signed),
        unrestorable: unrestorable.map_or(default.unrestorable, signed),
        adopt_idle: adopt_idle.map_or(default.adopt_idle, signed),
        keep_within: keep_within.map(signed).or(default.keep_within),
        margins: Margins {
            settle: settle.map_or(default.margins.settle, signed),
            clock_skew: clock_skew.map_or(default.margins.clock_skew, signed),
        },
    }
}

/// A duration of the API as the core counts it; what is too long for it is as good as for ever.
#[must_use]
pub fn signed(duration: Duration) -> SignedDuration {
    i64::try_from(duration.as_seconds()).map_or(SignedDuration::MAX, SignedDuration::from_secs)
}

/// The file on disk, read again at every look: a mounted `ConfigMap` changes under our feet.
#[derive(Clone, Debug)]
pub struct AdministratorFile {
    path: Option<PathBuf>,
    good: Arc<Mutex<Administrator>>,
}

/// What applies now, and why that is not what the file says, if so.
#[derive(Debug)]
pub struct Current {
    pub administrator: Administrator,
    pub problem: Option<AdministratorError>,
}

impl AdministratorFile {
    #[must_use]
    pub fn new(path: Option<PathBuf>) -> Self {
        Self {
            path,
            good: Arc::new(Mutex::new(Administrator::nothing_granted())),
        }
    }

    /// Reads the file now.
    pub async fn current(&self) -> Current {
        let read = match &self.path {
            None => Ok(None),
            Some(path) => read(path)
                .await
                .and_then(|text| Administrator::parse(&text))
                .map(Some),
        };
        let mut good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        let (paused, problem) = match read {
            Ok(None) => (good.paused, None),
            Ok(Some(administrator)) => {
                *good = administrator;
                (good.paused, None)
            }
            Err(error) => (Some(Pause::FileUnusable), Some(error)),
        };
        Current {
            administrator: Administrator {
                paused,
                ..good.clone()
            },
            problem,
        }
    }
}

async fn read(path: &std::path::Path) -> Result<String, AdministratorError> {
    let unreadable = |why: String| AdministratorError::Unreadable {
        path: path.to_owned(),
        why,
    };
    let length = tokio::fs::metadata(path)
        .await
        .map_err(|error| unreadable(error.to_string()))?
        .len();
    if length > MAX_BYTES {
        return Err(unreadable(format!(
            "it has {length} bytes, more than {MAX_BYTES}"
        )));
    }
    tokio::fs::read_to_string(path)
        .await
        .map_err(|error| unreadable(error.to_string()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    const FILE: &str = "
version: 1
floors: {minAge: 2s, gracePeriod: 3s, settle: 1s}
grants:
- namespace: payments
  bases:
  - location: file:/opt/flink/volume
";

    fn origin(namespace: &str) -> Origin {
        Origin {
            namespace: Some(namespace.to_owned()),
            default_scheme: None,
            volumes: vec!["/opt/flink/volume".to_owned()],
        }
    }

    fn granted(administrator: &Administrator, namespace: &str, path: &str, paths_of: &str) -> bool {
        let location = Location::parse(path, &origin(paths_of)).unwrap();
        administrator.grants(namespace, &location, &origin(namespace))
    }

    #[test]
    fn a_grant_is_for_one_namespace_and_all_below_a_directory() {
        let administrator = Administrator::parse(FILE).unwrap();
        assert!(granted(
            &administrator,
            "payments",
            "file:///opt/flink/volume/checkpoints",
            "payments"
        ));
        assert!(granted(
            &administrator,
            "payments",
            "/opt/flink/volume",
            "payments"
        ));
        assert!(!granted(
            &administrator,
            "payments",
            "file:/opt/flink/volumes",
            "payments"
        ));
        assert!(!granted(
            &administrator,
            "payments",
            "file:/opt/flink",
            "payments"
        ));
        assert!(!granted(
            &administrator,
            "orders",
            "file:/opt/flink/volume",
            "orders"
        ));
        // The same string in another namespace is another volume.
        assert!(!granted(
            &administrator,
            "payments",
            "file:/opt/flink/volume",
            "orders"
        ));
    }

    #[test]
    fn what_is_exclusive_is_so_within_the_grants_of_its_namespace() {
        let file = "
version: 1
grants:
- namespace: payments
  bases: [{location: file:/opt/flink/volume, exclusive: true}, {location: s3://b/payments}]
  endpoints: [\"https://MinIO.storage/\"]
- namespace: orders
  bases: [{location: file:/opt/flink/volume, exclusive: true}, {location: s3://b/orders, exclusive: true}]
";
        let administrator = Administrator::parse(file).unwrap();
        let of = |namespace: &str| {
            let exclusive = administrator.exclusive(namespace, &origin(namespace));
            exclusive
                .iter()
                .map(|exclusive| exclusive.location.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(of("payments"), ["file:/opt/flink/volume"]);
        assert_eq!(of("orders"), ["file:/opt/flink/volume", "s3://b/orders"]);
        assert_eq!(of("others"), [""; 0]);
        assert!(administrator.grants_endpoint("payments", "https://minio.storage:443"));
        for (namespace, endpoint) in [
            ("payments", "http://minio.storage"),
            ("payments", "https://minio.storage:9000"),
            ("payments", "https://minio.storage@evil"),
            ("orders", "https://minio.storage"),
        ] {
            assert!(
                !administrator.grants_endpoint(namespace, endpoint),
                "{endpoint}"
            );
        }
    }

    #[test]
    fn floors_that_are_not_written_are_the_cautious_ones() {
        let administrator = Administrator::parse(FILE).unwrap();
        assert_eq!(administrator.floors.min_age, SignedDuration::from_secs(2));
        assert_eq!(
            administrator.floors.margins.settle,
            SignedDuration::from_secs(1)
        );
        assert_eq!(
            administrator.floors.margins.clock_skew,
            Margins::default().clock_skew
        );
        assert_eq!(
            Administrator::parse("version: 1").unwrap(),
            Administrator::nothing_granted()
        );
    }

    #[test]
    fn what_is_not_understood_is_refused_and_named() {
        for (text, part) in [
            ("version: 2\ngrants: {of: another form}", "has version 2"),
            ("grants: []", "has version none"),
            ("version: 1\nfloor: {}", "unknown field"),
            ("version: 1\nfloors: {minAge: soon}", "is not a duration"),
            (
                "version: 1\ngrants: [{namespace: a, bases: [{location: volume}]}]",
                "is not absolute",
            ),
            ("version: [1", "cannot be understood"),
            (
                "version: 1\ngrants: [{namespace: a, endpoints: [minio]}]",
                "is no endpoint",
            ),
            (
                "version: 1\ngrants: [{namespace: a, bases: [{location: s3://b/x, exclusive: true}]}, {namespace: b, bases: [{location: s3a://b/x/y}]}]",
                "drop `exclusive`",
            ),
            (
                "version: 1\ngrants: [{namespace: b, bases: [{location: s3://b/}]}, {namespace: a, bases: [{location: s3://b/x, exclusive: true}]}]",
                "drop `exclusive`",
            ),
        ] {
            let error = Administrator::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[tokio::test]
    async fn a_broken_file_stops_all_deleting_and_leaves_the_grants_of_the_last_good_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("administrator.yaml");
        let file = AdministratorFile::new(Some(path.clone()));
        let missing = file.current().await;
        assert!(missing.problem.is_some() && missing.administrator.grants.is_empty());
        assert_eq!(missing.administrator.paused, Some(Pause::FileUnusable));

        std::fs::write(&path, FILE).unwrap();
        let good = file.current().await;
        assert!(good.problem.is_none() && good.administrator.grants.len() == 1);
        assert_eq!(good.administrator.paused, None);

        std::fs::write(&path, "version: 7").unwrap();
        let broken = file.current().await;
        assert!(matches!(
            broken.problem,
            Some(AdministratorError::Version { .. })
        ));
        let paused = Some(Pause::FileUnusable);
        let stopped = Administrator {
            paused,
            ..good.administrator
        };
        assert_eq!(broken.administrator, stopped);

        std::fs::write(&path, "version: 1\npaused: true").unwrap();
        let paused = file.current().await;
        assert_eq!(paused.administrator.paused, Some(Pause::AskedFor));
        assert!(paused.administrator.grants.is_empty());
    }
}
