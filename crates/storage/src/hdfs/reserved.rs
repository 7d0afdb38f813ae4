//! What HDFS keeps for itself among the directories of its users.

use crate::port::Key;

/// What somebody has deleted, by its old path: a snapshot in it looks like one that is in use.
pub(super) const TRASH: &str = ".Trash";
/// The trash of somebody, the snapshots of a directory, and other names of what has one already (`/.reserved/raw/flink` is
/// `/flink`).
const RESERVED: [&str; 3] = [TRASH, ".snapshot", ".reserved"];

/// The first such directory that the path leads through.
pub(super) fn on_the_way(path: &Key) -> Option<Key> {
    let mut reached = Key::root();
    for part in path.segments() {
        reached = reached.join(part).ok()?;
        if RESERVED.contains(&part) {
            return Some(reached);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn everything_below_a_reserved_name_is_told_by_it() {
        let key = |path: &str| Key::parse(path).unwrap();
        for (path, reserved) in [
            ("user/flink/.Trash/Current/ckp", Some("user/flink/.Trash")),
            ("ckp/.snapshot", Some("ckp/.snapshot")),
            (".reserved/raw/ckp/.snapshot", Some(".reserved")),
            ("ckp/.flink-retention/owner", None),
            ("ckp/Trash/.trash/.Trash2", None),
            ("", None),
        ] {
            assert_eq!(on_the_way(&key(path)), reserved.map(key), "{path}");
        }
    }
}
