use crate::guard::Guard;
use crate::layout::JobId;
use crate::location::{Location, Store};

/// Something that could not be learned: it protects all that it could have protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The guard that speaks for it.
    pub guard: Guard,
    /// What could not be read, as a person would name it.
    pub what: String,
    /// Why, and what to do.
    pub why: String,
    pub radius: Vec<Radius>,
}

/// What a gap may have protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Radius {
    /// Everything below a directory.
    Below(Location),
    /// Every directory of a job, in any base.
    Job(JobId),
    /// Everything that snapshots in a directory may name: all of its store, but for what an administrator declared
    /// exclusive.
    NamedFrom(Location),
    /// Everything in a store.
    Store(Store),
    /// Everything that a resource of a Kubernetes namespace can name: any store but the volumes of other namespaces.
    SeenFrom { namespace: String },
    /// What a job may have been started from that keeps its own snapshots in one of these directories: the same, but for
    /// what an administrator declared exclusive.
    StartedIn {
        namespace: String,
        bases: Vec<Location>,
    },
    /// Everything anywhere.
    All,
}

impl Gap {
    /// Whether this gap may concern a file at `location` in the directory of `job`.
    #[must_use]
    pub fn covers(&self, location: &Location, job: Option<JobId>) -> bool {
        self.covers_unless(location, job, |_| false)
    }

    /// The same, where it is known of some directories that snapshots in them do not name the file.
    #[must_use]
    pub fn covers_unless(
        &self,
        location: &Location,
        job: Option<JobId>,
        is_ruled_out: impl Fn(&Location) -> bool,
    ) -> bool {
        self.radius.iter().any(|radius| match radius {
            Radius::NamedFrom(directory) => {
                location.store().may_be(directory.store()) && !is_ruled_out(directory)
            }
            Radius::Below(directory) => location.may_be_below(directory),
            Radius::Job(id) => job == Some(*id),
            Radius::Store(store) => location.store().may_be(store),
            Radius::SeenFrom { namespace } => may_be_named_from(namespace, location.store()),
            Radius::StartedIn { namespace, bases } => {
                may_be_named_from(namespace, location.store())
                    && (bases.is_empty() || !bases.iter().all(&is_ruled_out))
            }
            Radius::All => true,
        })
    }
}

/// Whether a resource of a namespace can name a place in a store: any but the volumes of other namespaces.
pub(crate) fn may_be_named_from(namespace: &str, store: &Store) -> bool {
    match store {
        Store::File {
            namespace: Some(other),
            volume: _,
        } => other == namespace,
        Store::File {
            namespace: None,
            volume: _,
        }
        | Store::Object { .. }
        | Store::Hdfs { .. }
        | Store::Other { .. } => true,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::location::Origin;

    #[test]
    fn a_namespace_sees_its_own_volumes_and_every_bucket() {
        let in_namespace = |text: &str, namespace: Option<&str>| {
            let origin = Origin {
                namespace: namespace.map(str::to_owned),
                ..Origin::default()
            };
            Location::parse(text, &origin).unwrap()
        };
        let gap = Gap {
            guard: Guard::MissingEvidence,
            what: String::new(),
            why: String::new(),
            radius: vec![Radius::SeenFrom {
                namespace: "a".to_owned(),
            }],
        };
        let covers = |text, namespace| gap.covers(&in_namespace(text, namespace), None);
        assert!(covers("/data/x", Some("a")));
        assert!(!covers("/data/x", Some("b")));
        assert!(covers("/data/x", None));
        assert!(covers("s3://bucket/x", Some("b")));
    }
}
