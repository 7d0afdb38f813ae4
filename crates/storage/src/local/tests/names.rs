use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use futures::TryStreamExt;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;

use crate::contract::volume::Volume;
use crate::contract::{FileSystemFixture, Fixture};
use crate::port::{Deletion, Entry, EntryKind, Key, PartialWrite, Storage};

#[tokio::test]
async fn a_name_that_is_not_utf_8_is_reported_and_never_deleted() {
    let volume = Volume::new().await;
    fs::write(volume.root().join(OsStr::from_bytes(b"caf\xe9")), "x").unwrap();
    fs::create_dir(volume.root().join(OsStr::from_bytes(b"dir\xff"))).unwrap();
    let entries: Vec<Entry> = volume
        .store
        .list_level(&Key::root())
        .try_collect()
        .await
        .unwrap();
    assert_eq!(entries.len(), 2);
    for entry in entries {
        assert_eq!(entry.kind, EntryKind::Other);
        assert!(entry.key.as_str().contains('\u{fffd}'));
        let deletion = volume
            .store
            .delete_if_unchanged(&entry.key, &entry.version)
            .await
            .unwrap();
        assert_eq!(deletion, Deletion::AlreadyGone);
    }
    assert_eq!(fs::read_dir(volume.root()).unwrap().count(), 2);
}

#[tokio::test]
async fn a_leftover_of_a_crash_is_known_by_its_name_and_in_nobodys_way() {
    let volume = Volume::new().await;
    // The names that this process would take next, as a process with the same id on another machine may have left them.
    for count in 0..100_u32 {
        let name = format!("{}{}-{count}", PartialWrite::PREFIX, std::process::id());
        volume
            .write(&Key::parse(&format!("owner/{name}")).unwrap(), b"ha")
            .await;
    }
    let epoch = Key::parse("owner/1").unwrap();
    volume
        .store
        .put_if_absent(&epoch, "whole".into())
        .await
        .unwrap();
    let entries: Vec<Entry> = volume
        .store
        .list_level(&Key::parse("owner").unwrap())
        .try_collect()
        .await
        .unwrap();
    assert_eq!(entries.len(), 101);
    let whole: Vec<&Key> = entries
        .iter()
        .filter(|entry| !entry.is_partial_write())
        .map(|entry| &entry.key)
        .collect();
    assert_eq!(whole, [&epoch]);
}

/// Not hanging is not enough: opening a device can act, and opening a pipe lets its writer go on.
#[tokio::test]
async fn reading_what_is_not_a_file_does_not_even_open_it() {
    let volume = Volume::new().await;
    let (pipe, file) = (Key::parse("pipe").unwrap(), Key::parse("file").unwrap());
    volume.make_pipe(&pipe).await;
    volume.write(&file, b"x").await;
    for (key, opened) in [(pipe, false), (file, true)] {
        let watch = inotify::init(CreateFlags::NONBLOCK).unwrap();
        inotify::add_watch(&watch, volume.path(&key), WatchFlags::OPEN).unwrap();
        let read = volume.store.read(&key, 10).await;
        assert_eq!(read.is_ok(), opened);
        let events = rustix::io::read(&watch, &mut [0_u8; 256]);
        assert_eq!(events.err(), (!opened).then_some(Errno::AGAIN), "{key}");
    }
}
