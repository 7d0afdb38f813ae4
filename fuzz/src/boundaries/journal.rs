use super::world::NOW;
use flink_retention::engine::journal::{
    BatchRecord, Journal, OwnerId, Proposal, ProposedFile, RecordedFile,
};
use retention::layout::JOURNAL_DIRECTORY;
use retention::location::{Location, Origin};
use retention::mark::{Baselines, Mark, MarkKind, Marks};
use serde_json::Value;
use std::sync::Arc;
use storage::Key;
use storage::memory::MemoryStorage;

const BASE: &str = "base";
const STATE: &str = "base/00000000000000000000000000000abc/chk-7/_metadata";

/// One document of a journal, whose name is the first line, in place of what we wrote or beside it.
pub fn journal(bytes: &[u8]) {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
        return;
    };
    let (name, document) = (&bytes[..end], &bytes[end + 1..]);
    let name = str::from_utf8(name)
        .ok()
        .and_then(|name| Key::parse(name).ok());
    if let Some(name) = name.filter(|name| !name.is_root()) {
        super::wait(with(&name, document));
    }
}

async fn with(name: &Key, document: &[u8]) {
    let memory = MemoryStorage::new(Arc::new(|| NOW));
    let base = key(BASE);
    memory.insert_file(&key(STATE), b"state".to_vec());
    let location = Location::parse("/base", &Origin::default()).expect("a location");
    let journal = Journal::of(Arc::new(memory.clone()), &base, &location).expect("a journal");
    let us = OwnerId("us".to_owned());
    let stranger = OwnerId("stranger".to_owned());
    let epoch = journal.take(&us, None, NOW).await.expect("an epoch");
    let (marks, baselines, proposal) = (marks(), Baselines::default(), proposal());
    let written = journal.write(&epoch, &marks, &baselines).await;
    written.expect("marks are written");
    let proposed = journal.propose(&epoch, &proposal, NOW).await;
    proposed.expect("a proposal is written");
    let recorded = journal.record("run", 1, &record()).await;
    recorded.expect("a batch is recorded");

    let ours = base.join(JOURNAL_DIRECTORY).expect("a key");
    memory.insert_file(&ours.join_key(name), document.to_vec());
    let before = memory.files();
    let latest = journal.latest_epoch().await;
    let read = journal.read(&epoch).await;
    let found = journal.proposal(&proposal.digest()).await;
    assert_eq!(memory.files(), before, "reading writes nothing");
    if let Ok(Some(found)) = found {
        assert_eq!(found.digest(), proposal.digest());
    }
    if name.as_str() == "format.json" && !is_known(document) {
        assert!(latest.is_err(), "an unknown format");
    }
    match latest {
        // What is not understood is not touched, by nobody.
        Err(_) => {
            assert!(journal.take(&us, None, NOW).await.is_err());
            assert!(journal.take(&stranger, None, NOW).await.is_err());
            assert_eq!(
                memory.files(),
                before,
                "an unreadable journal is left alone"
            );
        }
        Ok(latest) => {
            let owner = latest.expect("we took one").owner;
            let taken = journal.take(&stranger, None, NOW).await;
            assert!(taken.is_err() || owner == stranger, "taken from {owner}");
        }
    }
    if let Ok((marks, baselines)) = read {
        // Refused where somebody else has a later epoch.
        let _ = journal.write(&epoch, &marks, &baselines).await;
    }
    assert!(memory.contains(&key(STATE)), "state is none of the journal");
}

/// A format that a program of today reads.
fn is_known(document: &[u8]) -> bool {
    let value: Option<Value> = serde_json::from_slice(document).ok();
    let version = value.and_then(|value| value.get("formatVersion")?.as_u64());
    matches!(version, Some(1..=3))
}

fn marks() -> Marks {
    let mark = Mark {
        kind: MarkKind::Orphan,
        size: 1,
        modified: NOW,
        since: NOW,
        counter: None,
        witness: None,
    };
    let path = "00000000000000000000000000000abc/shared/x";
    Marks {
        by_path: [(path.into(), mark)].into(),
    }
}

fn proposal() -> Proposal {
    let file = ProposedFile {
        size: 1,
        modified: NOW,
        reason: "orphan".to_owned(),
    };
    Proposal {
        files: [("file:/base/x".to_owned(), file)].into(),
        ..Proposal::default()
    }
}

fn record() -> BatchRecord {
    BatchRecord {
        epoch: 1,
        begun: NOW,
        ended: None,
        files: vec![RecordedFile {
            path: "x".to_owned(),
            size: 1,
            modified: NOW,
            reason: "orphan".to_owned(),
            outcome: None,
        }],
    }
}

fn key(path: &str) -> Key {
    Key::parse(path).expect("a key")
}
