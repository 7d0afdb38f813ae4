//! Which conditions, events and reasons there are.

use std::fmt::Write;

use flink_retention::api::Reason;
use flink_retention::api::reason::Place;

const HEAD: &str = "\
# Conditions, events and their reasons

<!-- Made from the code by `make generate`. -->

`kubectl describe frp`, `frr` and `ckinv` show them. A reason is a stable word, on which you can alert or wait; its message says what is wrong with which object, and what to do. Each links to what it means and
[what to do about it](../troubleshooting.md).
";

pub(crate) fn page() -> String {
    let mut page = HEAD.to_owned();
    let mut last = "";
    for place in Place::ALL {
        let (kind, condition) = place.of();
        if kind != last {
            writeln!(
                page,
                "\n## {kind}\n\n| where | means | reasons |\n|---|---|---|"
            )
            .unwrap();
            last = kind;
        }
        let where_told = match (condition, place) {
            (Some(condition), _) => format!("condition `{condition}`"),
            (None, Place::RunBlockedBy) => "`status.blockedBy`".to_owned(),
            (None, _) => "events".to_owned(),
        };
        let told = Reason::ALL
            .iter()
            .filter(|reason| reason.places().contains(&place));
        let links: Vec<String> = told
            .map(|reason| {
                format!(
                    "[{reason}](../troubleshooting.md#{})",
                    reason.as_str().to_lowercase()
                )
            })
            .collect();
        assert!(!links.is_empty(), "nothing is told in {place:?}");
        writeln!(
            page,
            "| {where_told} | {} | {} |",
            place.meaning(),
            links.join(", ")
        )
        .unwrap();
    }
    page
}
