//! Evidence from Kubernetes, from `JobManager`s and from high-availability data.
//!
//! ```text
//! Source (API server, manifests)  ->  drafts of jobs  ->  high-availability maps and JobManagers asked  ->  Evidence
//! ```
//!
//! Reading is in [`kubernetes`], [`manifests`], [`job_manager`] and [`high_availability`]; what it means is decided by
//! pure functions in the other files. Nothing here fails as a whole: what could not be learned becomes a gap, whose
//! radius is all that it could have protected.

mod clusters;
mod configurations;
mod deployment;
mod draft;
#[cfg(test)]
mod fake_server;
mod finished;
mod flink_object;
mod gaps;
mod high_availability;
mod high_availability_map;
mod in_sight;
mod job_manager;
mod jobs_overview;
mod kubernetes;
mod lineage;
mod manifests;
mod observation;
mod observer;
mod pairs;
mod phase;
mod processes;
mod raw_object;
mod rest_answers;
mod rest_cluster;
mod roots;
mod session_job;
mod sketch;
mod snapshot_requests;
mod source;
mod stray;
mod undecodable;
mod what_runs;

pub use flink_object::{FlinkObject, FlinkResource};
pub use high_availability_map::MapName;
pub use job_manager::{
    ClusterAddress, CredentialsFile, JobManagers, NoJobManagers, RestClient, RestSecurity,
    SecurityError, UrlTemplate, UrlTemplateError,
};
pub use jobs_overview::{JobsOverview, read as read_jobs_overview};
pub use kubernetes::{KubernetesSource, Namespaces};
pub use manifests::{ManifestError, Manifests, NamedStates};
pub use observer::{KubernetesObserver, Listed, ManifestObserver, Sight};
pub use raw_object::RawObject;
pub use rest_answers::{Answers as RestAnswers, read as read_rest_answers};
pub use source::{ConfigMapData, ObjectName, Process, Resources, Source, Unread};
