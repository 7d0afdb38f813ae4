//! Two `NameNodes`, of which one is active.

use std::collections::BTreeSet;

use futures::stream::{self, StreamExt, TryStreamExt};
use storage::{Deletion, HdfsAccess, HdfsCluster, HdfsStorage, Storage, StorageError};
use testbed::hdfs::{HdfsServer, NAMESERVICE, USER};

use crate::fixture::{cluster, key, open};

/// As whoever has the configuration of the nameservice reaches it.
fn nameservice(server: &HdfsServer) -> HdfsStorage {
    let access = HdfsAccess::As {
        user: USER.to_owned(),
        configuration: Some(server.configuration().unwrap()),
    };
    let cluster = HdfsCluster::new(&NAMESERVICE.parse().unwrap(), &access).unwrap();
    cluster.directory(key("flink"))
}

/// More pages than one, of which each is asked for when the one before has been taken.
#[tokio::test]
async fn a_listing_is_whole_although_the_active_name_node_changes_and_is_lost_meanwhile() {
    let server = HdfsServer::start_highly_available().unwrap();
    let store = nameservice(&server);
    let names: BTreeSet<String> = (0..350)
        .map(|number| format!("shared/{number:03}"))
        .collect();
    let written = stream::iter(&names).for_each_concurrent(16, async |name| {
        store.replace(&key(name), "x".into()).await.unwrap();
    });
    written.await;
    let directory = key("shared");
    let mut listing = store.list_level(&directory);
    let mut listed = Vec::new();
    for change in ["fail-over?to=1", "fail-over?to=0", "lose?name-node=0"] {
        for _ in 0..100 {
            listed.push(listing.next().await.unwrap().unwrap().key.to_string());
        }
        server.ask(change).unwrap();
    }
    let rest: Result<Vec<_>, StorageError> = listing
        .map_ok(|entry| entry.key.to_string())
        .try_collect()
        .await;
    listed.extend(rest.unwrap());
    assert_eq!(listed.len(), names.len(), "each once");
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), names);

    let file = key("shared/000");
    let version = store.stat(&file).await.unwrap().unwrap().version;
    let deletion = store.delete_if_unchanged(&file, &version).await;
    assert_eq!(deletion.unwrap(), Deletion::Deleted);
    assert_eq!(store.stat(&file).await.unwrap(), None);
}

/// It answers as it was when it last looked at what the active one did: here, before all that.
#[tokio::test]
async fn an_observer_is_not_asked_whatever_the_configuration_says() {
    let server = HdfsServer::start_highly_available().unwrap();
    server.ask("observe?name-node=1").unwrap();
    let aside = open(&server, USER, "flink");
    aside.replace(&key("shared/a"), "x".into()).await.unwrap();
    let store = nameservice(&server);
    let listed: Vec<_> = store
        .list_level(&key("shared"))
        .try_collect()
        .await
        .unwrap();
    assert_eq!(listed.len(), 1);
    assert!(store.stat(&key("shared/a")).await.unwrap().is_some());
}

#[tokio::test]
async fn a_standby_is_never_believed_and_is_told_by_its_name() {
    let server = HdfsServer::start_highly_available().unwrap();
    let authorities = server.authorities();
    let standby = cluster(&authorities[1], USER).directory(key("flink"));
    let error = standby.stat(&key("a")).await.unwrap_err();
    assert_eq!(error.category(), "unavailable", "{error}");
    assert!(error.to_string().contains("on standby"), "{error}");
    let active = cluster(&authorities[0], USER).directory(key("flink"));
    active.put_if_absent(&key("a"), "x".into()).await.unwrap();
    server.ask("fail-over?to=1").unwrap();
    assert_eq!(standby.read(&key("a"), 9).await.unwrap().bytes, "x");
}
