//! A process that is killed while it writes.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use bytes::Bytes;
use futures::TryStreamExt;

use crate::contract::volume::Volume;
use crate::local::LocalStorage;
use crate::port::{Entry, Key, Storage};

const ROOT_OF_CHILD: &str = "STORAGE_TEST_CRASH_ROOT";
const LENGTH: usize = 256 * 1024;

#[tokio::test]
async fn a_killed_writer_leaves_the_old_or_the_new_contents() {
    let volume = Volume::new().await;
    let marks = Key::parse("journal/marks").unwrap();
    for round in 0..10 {
        kill_a_writer_after(&volume, 3 + round);
        let contents = volume.store.read(&marks, u64::MAX).await.unwrap().bytes;
        assert_eq!(contents.len(), LENGTH);
        assert!(contents.iter().all(|byte| *byte == contents[0]));
        let journal = Key::parse("journal").unwrap();
        let entries: Vec<Entry> = volume
            .store
            .list_level(&journal)
            .try_collect()
            .await
            .unwrap();
        let whole = entries
            .iter()
            .filter(|entry| !entry.is_partial_write())
            .map(|entry| &entry.key);
        assert_eq!(whole.collect::<Vec<_>>(), [&marks]);
    }
}

/// Kills right after the child has said that it finished so many writes, in the midst of its next one.
fn kill_a_writer_after(volume: &Volume, writes: usize) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "local::tests::crash::a_child_that_writes_for_ever",
            "--ignored",
            "--nocapture",
        ])
        .env(ROOT_OF_CHILD, volume.root())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stdout.take().unwrap()).lines();
    let written = said
        .map(Result::unwrap)
        .filter(|line| line.ends_with("written"))
        .take(writes)
        .count();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(written, writes, "the child ended by itself");
}

#[tokio::test]
#[ignore = "a_killed_writer_leaves_the_old_or_the_new_contents starts it, and ends it"]
async fn a_child_that_writes_for_ever() {
    let root = PathBuf::from(std::env::var_os(ROOT_OF_CHILD).expect("only its parent starts it"));
    let store = LocalStorage::open(&root).await.unwrap();
    let marks = Key::parse("journal/marks").unwrap();
    for byte in (0..=u8::MAX).cycle() {
        store
            .replace(&marks, Bytes::from(vec![byte; LENGTH]))
            .await
            .unwrap();
        println!("written");
    }
}
