//! The control plane is what tests of the operator stand on: real access control, restarts, several at once.
#![allow(clippy::unwrap_used)]

use std::thread;
use std::time::{Duration, Instant};

use testbed::control_plane::{ControlPlane, Error};

const LIMIT: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(50);

const CONFIG_MAP: &str = "
apiVersion: v1
kind: Namespace
metadata:
  name: flink
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  namespace: flink
data:
  greeting: hello
";

const GREETING: [&str; 6] = [
    "get",
    "configmap",
    "settings",
    "-n=flink",
    "-o",
    "jsonpath={.data.greeting}",
];

#[test]
fn a_service_account_may_do_what_its_role_says_and_nothing_else() {
    let control_plane = ControlPlane::builder()
        .service_account("flink", "reader")
        .start()
        .unwrap();
    control_plane.apply(CONFIG_MAP).unwrap();
    assert_eq!(control_plane.kubectl(GREETING).unwrap(), "hello");

    let refused = control_plane
        .kubectl_as("flink", "reader", GREETING)
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains(
            r#"User "system:serviceaccount:flink:reader" cannot get resource "configmaps""#
        ),
        "{refused}"
    );

    control_plane
        .kubectl([
            "create",
            "role",
            "read",
            "-n=flink",
            "--verb=get",
            "--resource=configmaps",
        ])
        .unwrap();
    control_plane
        .kubectl([
            "create",
            "rolebinding",
            "read",
            "-n=flink",
            "--role=read",
            "--serviceaccount=flink:reader",
        ])
        .unwrap();
    // The API server learns of a new role by a watch of its own.
    let begun = Instant::now();
    let greeting = loop {
        match control_plane.kubectl_as("flink", "reader", GREETING) {
            Err(_) if begun.elapsed() < LIMIT => thread::sleep(POLL),
            last => break last.unwrap(),
        }
    };
    assert_eq!(greeting, "hello");
    assert!(matches!(
        control_plane.kubeconfig_for_service_account("flink", "writer"),
        Err(Error::UnknownServiceAccount { .. })
    ));
}

#[test]
fn two_at_once_do_not_see_each_other() {
    thread::scope(|scope| {
        for name in ["one", "two"] {
            scope.spawn(move || {
                let control_plane = ControlPlane::start().unwrap();
                control_plane
                    .kubectl(["create", "namespace", name])
                    .unwrap();
                let all = control_plane
                    .kubectl(["get", "namespaces", "-o", "name"])
                    .unwrap();
                let created: Vec<_> = all
                    .lines()
                    .filter(|line| line.ends_with("one") || line.ends_with("two"))
                    .collect();
                assert_eq!(created, [format!("namespace/{name}")]);
            });
        }
    });
}

#[test]
fn a_restarted_api_server_has_its_address_certificate_and_data_back() {
    let control_plane = ControlPlane::start().unwrap();
    let url = control_plane.url();
    control_plane.apply(CONFIG_MAP).unwrap();

    control_plane.stop_api_server();
    let down = control_plane.kubectl(GREETING).unwrap_err().to_string();
    assert!(down.contains("refused"), "{down}");

    control_plane.restart_api_server().unwrap();
    assert_eq!(control_plane.url(), url);
    assert_eq!(control_plane.kubectl(GREETING).unwrap(), "hello");
}

#[test]
fn nothing_is_left_behind() {
    let control_plane = ControlPlane::start().unwrap();
    let root = control_plane.root().to_owned();
    assert!(control_plane.kubeconfig_for_admin().is_file());
    drop(control_plane);
    assert!(!root.exists());
}
