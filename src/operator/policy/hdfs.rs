//! Directories in HDFS, which only the command line reaches yet.

use retention::location::{Location, Origin, Store};
use storage::HdfsAuthority;

use super::obstacle::{NAMED, are};
use super::quoted::as_shell_word;

/// Whether a directory is in a Hadoop file system, or in a view of some.
pub(super) fn is_in_hdfs(base: &str) -> bool {
    match Location::parse(base, &Origin::default()) {
        Ok(location) => match location.store() {
            Store::Hdfs { .. } => true,
            Store::Other { scheme, .. } => scheme == "viewfs",
            Store::File { .. } | Store::Object { .. } => false,
        },
        Err(_) => false,
    }
}

/// That the operator does not reach them, and who does.
pub(super) fn sentence(bases: &[String]) -> String {
    let named: Vec<String> = bases
        .iter()
        .filter(|base| is_reached_by_command(base))
        .take(NAMED)
        .map(|base| as_shell_word(base))
        .collect();
    let command = if named.is_empty() {
        "by a path that begins with hdfs://<host:port or nameservice>".to_owned()
    } else {
        format!("`flink-retention plan {}`", named.join(" "))
    };
    format!(
        "{} in HDFS, which this version reaches only on the command line: {command}.",
        are(bases)
    )
}

/// Not by a cluster's default, nor in a view: there it might be another place.
fn is_reached_by_command(base: &str) -> bool {
    let location = Location::parse(base, &Origin::default());
    location.is_ok_and(|location| match location.store() {
        Store::Hdfs { authority } => authority.parse::<HdfsAuthority>().is_ok(),
        Store::File { .. } | Store::Object { .. } | Store::Other { .. } => false,
    })
}

#[cfg(test)]
mod tests {
    use super::super::judgement::{Obstacle, Reacher};
    use super::super::obstacle;

    fn said(bases: &[&str], by: Reacher) -> String {
        let bases = bases.iter().map(|base| (*base).to_owned()).collect();
        obstacle::sentence(&Obstacle::BaseUnreachable { bases, by }, "ns", "account")
    }

    #[test]
    fn the_command_names_what_it_reaches_and_each_store_has_its_own_advice() {
        for by in [Reacher::Operator, Reacher::Tenant] {
            let text = said(
                &[
                    "file:/v/orders",
                    "hdfs:/default",
                    "hdfs://ns1/a b",
                    "hdfs://ns1/ckp",
                    "viewfs://ns1/ckp",
                ],
                by,
            );
            assert!(
                text.contains("plan 'hdfs://ns1/a b' hdfs://ns1/ckp`"),
                "{text}"
            );
            assert!(!text.contains("ns/hdfs"), "{text}");
            let (hdfs, volume) = text.split_once("`. ").unwrap_or_default();
            assert!(!hdfs.contains("volume"), "{text}");
            assert!(volume.starts_with("file:/v/orders is not "), "{text}");
        }
        let text = said(&["viewfs://ns1/ckp"], Reacher::Operator);
        assert!(
            text.contains("is in HDFS") && !text.contains("plan"),
            "{text}"
        );
        let many: Vec<String> = (0..9)
            .map(|number| format!("hdfs://ns1/{number}"))
            .collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let text = said(&many, Reacher::Operator);
        assert!(
            text.contains("and 4 more") && text.ends_with("hdfs://ns1/4`."),
            "{text}"
        );
    }
}
