//! Whether processes of a Flink cluster exist.

use crate::observe::source::{Process, Unread};
use retention::evidence::Processes;

/// Looks for pods and Deployments of a cluster among all of its namespace. Flink and its operator label them
/// `app=<cluster>` (`KubernetesUtils`, `StandaloneKubernetesUtils`); the names count too, for labels can be edited.
/// Whatever is left of the cluster counts, also if it is about to end.
#[must_use]
pub(super) fn of(cluster: &str, listed: Result<&[Process], &Unread>) -> Processes {
    match listed {
        Err(unread) => Processes::Unknown {
            why: format!("{} could not be listed: {}", unread.what, unread.why),
        },
        Ok(processes) if processes.iter().any(|process| belongs(process, cluster)) => {
            Processes::Present
        }
        Ok(_) => Processes::Absent,
    }
}

/// Whether it is a part of any Flink cluster (`Constants.LABEL_TYPE_*`, `LABEL_COMPONENT_*`).
#[must_use]
pub(super) fn is_of_flink(process: &Process) -> bool {
    let label = |name: &str| process.labels.get(name).map(String::as_str);
    label("type").is_some_and(|of| of.starts_with("flink-"))
        || matches!(label("component"), Some("jobmanager" | "taskmanager"))
}

fn belongs(process: &Process, cluster: &str) -> bool {
    let Process { name, labels } = process;
    labels.get("app").is_some_and(|app| app == cluster)
        || name.strip_prefix(cluster).is_some_and(|rest| {
            rest.is_empty() || rest == "-taskmanager" || rest.starts_with("-taskmanager-")
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("orders-6d4f-x2x", Some("orders"), Processes::Present)]
    #[case("orders", None, Processes::Present)]
    #[case("orders-taskmanager-1-1", None, Processes::Present)]
    #[case("orders-blue", Some("orders-blue"), Processes::Absent)]
    #[case("payments", Some("payments"), Processes::Absent)]
    fn a_process_belongs_by_label_or_name(
        #[case] name: &str,
        #[case] app: Option<&str>,
        #[case] expected: Processes,
    ) {
        let process = Process {
            name: name.to_owned(),
            labels: app
                .map(|app| ("app".to_owned(), app.to_owned()))
                .into_iter()
                .collect(),
        };
        assert_eq!(of("orders", Ok(&[process])), expected);
    }

    #[test]
    fn a_failed_listing_proves_nothing() {
        let unread = Unread {
            what: "pods".to_owned(),
            namespace: None,
            why: "403".to_owned(),
        };
        assert!(matches!(
            of("orders", Err(&unread)),
            Processes::Unknown { .. }
        ));
        assert_eq!(of("orders", Ok(&[])), Processes::Absent);
    }
}
