//! Permissions mean nothing to root, and tests in containers run as root: then these run in a child process that is
//! somebody else.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::contract::Fixture;
use crate::contract::volume::Volume;
use crate::local::LocalStorage;
use crate::port::{Key, Operation, Storage, StorageError};
use crate::walk::{Descend, Walk};

const ROOT_OF_CHILD: &str = "STORAGE_TEST_FORBIDDEN_ROOT";
/// `nobody`, by convention; no account of this number need exist.
const NOBODY: u32 = 65534;

#[tokio::test]
async fn what_is_forbidden_is_an_error_and_not_an_absence() {
    let volume = Volume::new().await;
    volume.write(&key("job/chk-1/_metadata"), b"x").await;
    volume.write(&key("job/secret"), b"x").await;
    fs::create_dir(volume.outside().join("locked")).unwrap();
    let give = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    give(volume.root().parent().unwrap(), 0o755);
    give(&volume.path(&key("job/secret")), 0o000);
    give(&volume.path(&key("job/chk-1")), 0o000);
    give(&volume.outside().join("locked"), 0o000);
    give(&volume.path(&key("job")), 0o555);
    if rustix::process::geteuid().is_root() {
        as_nobody(&volume.root());
    } else {
        check(&volume.root()).await;
    }
    give(&volume.path(&key("job")), 0o755);
    give(&volume.path(&key("job/chk-1")), 0o755);
    give(&volume.outside().join("locked"), 0o755);
}

fn as_nobody(root: &Path) {
    let test = "local::tests::forbidden::in_a_child_process";
    // The path of this program may lead through directories that only root may enter; this one does not.
    let output = Command::new("/proc/self/exe")
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(ROOT_OF_CHILD, root)
        .current_dir("/")
        .uid(NOBODY)
        .gid(NOBODY)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}\n{complained}"
    );
}

#[tokio::test]
#[ignore = "what_is_forbidden_is_an_error_and_not_an_absence runs it as another user"]
async fn in_a_child_process() {
    let root = PathBuf::from(std::env::var_os(ROOT_OF_CHILD).expect("only its parent starts it"));
    check(&root).await;
}

async fn check(root: &Path) {
    let store = LocalStorage::open(root).await.unwrap();
    let walk = Walk::new(&store, Key::root()).run(|_| Descend::Yes).await;
    denied(&walk.unwrap_err(), Operation::List, &store, "job/chk-1");
    let metadata = key("job/chk-1/_metadata");
    denied(
        &store.stat(&metadata).await.unwrap_err(),
        Operation::Stat,
        &store,
        "job/chk-1/_metadata",
    );
    denied(
        &store.read(&metadata, 10).await.unwrap_err(),
        Operation::Read,
        &store,
        "job/chk-1/_metadata",
    );
    denied(
        &store.read(&key("job/secret"), 10).await.unwrap_err(),
        Operation::Read,
        &store,
        "job/secret",
    );
    let secret = store
        .stat(&key("job/secret"))
        .await
        .unwrap()
        .expect("its directory may be read")
        .version;
    let deletion = store
        .delete_if_unchanged(&key("job/secret"), &secret)
        .await
        .unwrap_err();
    denied(&deletion, Operation::Delete, &store, "job/secret");
    let put = store
        .put_if_absent(&key("job/new"), "x".into())
        .await
        .unwrap_err();
    denied(&put, Operation::Write, &store, "job/new");
    let locked = root.parent().unwrap().join("outside/locked");
    assert_eq!(
        LocalStorage::open(&locked).await.unwrap_err().category(),
        "permission_denied"
    );
}

fn denied(error: &StorageError, expected: Operation, store: &LocalStorage, path: &str) {
    let StorageError::PermissionDenied {
        operation,
        path: named,
    } = error
    else {
        panic!("not a refusal: {error}");
    };
    assert_eq!((*operation, named), (expected, &store.location(&key(path))));
}

fn key(path: &str) -> Key {
    path.parse().unwrap()
}
