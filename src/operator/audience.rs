//! What statuses tell of other namespaces: nothing.

use std::collections::BTreeSet;

use retention::evidence::{Evidence, JobName};

/// What keeps a file may belong to somebody else.
const ANOTHERS: &str =
    "something of another namespace keeps it, or cannot be read; the log of the operator says what";

/// Whoever reads the statuses of one namespace: not the names, and not the directories, of any other.
#[derive(Debug)]
pub(super) struct Audience<'a> {
    namespace: &'a str,
    /// The directories of others alone.
    foreign: BTreeSet<String>,
}

impl<'a> Audience<'a> {
    pub(super) fn of(namespace: &'a str, evidence: &Evidence) -> Self {
        // Thousands of jobs share some few directories.
        let (mut own, mut foreign) = (BTreeSet::new(), BTreeSet::new());
        for job in &evidence.jobs {
            let bases = job.bases.iter().map(ToString::to_string);
            if job.name.namespace == namespace {
                own.extend(bases);
            } else {
                foreign.extend(bases);
            }
        }
        foreign.retain(|base: &String| {
            let is_own = |own: &String| own.starts_with(base.as_str()) || base.starts_with(own);
            !own.iter().any(is_own)
        });
        Self { namespace, foreign }
    }

    /// The reason of a guard as these readers may see it.
    pub(super) fn told(&self, why: &str) -> String {
        let names_others = self.names_an_object(why)
            || self
                .foreign
                .iter()
                .any(|directory| why.contains(directory.as_str()));
        if !names_others {
            return why.to_owned();
        }
        tracing::info!(
            namespace = self.namespace,
            why,
            "a status says only that something of another namespace is the reason"
        );
        ANOTHERS.to_owned()
    }

    /// `FlinkDeployment theirs/orders`, as objects are named everywhere.
    fn names_an_object(&self, why: &str) -> bool {
        let words: Vec<&str> = why.split_whitespace().collect();
        words.windows(2).any(|pair| {
            let [kind, name] = pair else {
                return false;
            };
            if *kind == "namespace" {
                let name = name.trim_end_matches(|last: char| last.is_ascii_punctuation());
                return name != self.namespace;
            }
            let is_kind = *kind == JobName::WITHOUT_RESOURCE
                || ["Flink", "Checkpoint", "Retention"]
                    .iter()
                    .any(|start| kind.starts_with(start));
            let namespace = name.split_once('/').map(|(namespace, _)| namespace);
            is_kind && namespace.is_some_and(|other| other != self.namespace)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn audience(foreign: &[&str]) -> Audience<'static> {
        Audience {
            namespace: "ours",
            foreign: foreign.iter().map(|&base| base.to_owned()).collect(),
        }
    }

    #[test]
    fn p7_neither_names_nor_directories_of_others_are_told() {
        let audience = audience(&["s3://shared/theirs"]);
        for why in [
            "FlinkDeployment theirs/orders may run with the ForSt backend",
            "s3://shared/theirs/0001/chk-1/_metadata: permission denied",
            "Job theirs/session/00000000000000000000000000000001 may run without a checkpoint",
            "it names files of a directory of namespace theirs, which cannot be read",
            "FlinkSessionJob theirs/a: its spec cannot be read: invalid type: string \"x\"",
        ] {
            assert_eq!(audience.told(why), ANOTHERS, "{why}");
        }
    }

    #[test]
    fn what_is_ones_own_is_told() {
        let audience = audience(&["s3://shared/theirs"]);
        for why in [
            "FlinkDeployment ours/orders runs",
            "a directory of namespace ours: it is bare",
            "s3://shared/ours/0001/chk-1/_metadata: permission denied",
            "J1/chk-4/away: it is a link",
            "CLAIM s3://shared/ours/0001: see docs/guards.md",
        ] {
            assert_eq!(audience.told(why), why);
        }
    }
}
