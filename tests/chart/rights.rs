//! What the operator may do.

use serde_json::{Value, json};

use super::helm::{Chart, Manifests};

const WRITING: [&str; 6] = [
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
    "approve",
];

/// One right: where, on what, and what.
#[derive(Debug, PartialEq)]
struct Right {
    role: String,
    group: String,
    resource: String,
    verb: String,
    names: Value,
}

fn rights(manifests: &Manifests) -> Vec<Right> {
    let texts = |value: &Value| serde_json::from_value::<Vec<String>>(value.clone()).unwrap();
    let mut rights = Vec::new();
    for role in roles_of_the_operator(manifests) {
        for rule in role["rules"].as_array().unwrap() {
            assert!(rule.get("nonResourceURLs").is_none());
            for group in texts(&rule["apiGroups"]) {
                for resource in texts(&rule["resources"]) {
                    rights.extend(texts(&rule["verbs"]).into_iter().map(|verb| {
                        Right {
                            role: format!("{}/{}", role["kind"], role["metadata"]["namespace"])
                                .replace('"', ""),
                            group: group.clone(),
                            resource: resource.clone(),
                            verb,
                            names: rule["resourceNames"].clone(),
                        }
                    }));
                }
            }
        }
    }
    rights
}

/// The roles that are bound to its service account; the others are for people.
fn roles_of_the_operator(manifests: &Manifests) -> impl Iterator<Item = &Value> {
    let operator = json!([{"kind": "ServiceAccount", "name": "test-flink-retention-operator", "namespace": "operators"}]);
    let bindings: Vec<&Value> = manifests
        .all("ClusterRoleBinding")
        .chain(manifests.all("RoleBinding"))
        .inspect(|binding| assert_eq!(binding["subjects"], operator))
        .collect();
    let roles = manifests.all("ClusterRole").chain(manifests.all("Role"));
    roles.filter(move |role| {
        bindings.iter().any(|binding| {
            binding["roleRef"]["name"] == role["metadata"]["name"]
                && binding["roleRef"]["kind"] == role["kind"]
                && binding["metadata"]["namespace"] == role["metadata"]["namespace"]
        })
    })
}

fn both_scopes() -> [Manifests; 2] {
    let chart = Chart::new();
    [
        json!({}),
        json!({"watchNamespaces": ["payments", "orders"]}),
    ]
    .map(|values| chart.render(&values).unwrap())
}

#[test]
fn no_wildcards_no_secrets_and_no_way_to_more_rights() {
    for manifests in both_scopes() {
        for right in rights(&manifests) {
            for part in [&right.group, &right.resource, &right.verb] {
                assert!(!part.contains('*'), "{right:?}");
            }
            for forbidden in [
                "secrets",
                "pods/exec",
                "serviceaccounts",
                "serviceaccounts/token",
                "jobs",
                "nodes",
            ] {
                assert_ne!(right.resource, forbidden, "{right:?}");
            }
            assert_ne!(right.group, "rbac.authorization.k8s.io", "{right:?}");
            for forbidden in [
                "escalate",
                "bind",
                "impersonate",
                "deletecollection",
                "approve",
            ] {
                assert_ne!(right.verb, forbidden, "{right:?}");
            }
        }
    }
}

#[test]
fn what_belongs_to_others_is_only_read() {
    for manifests in both_scopes() {
        for right in rights(&manifests)
            .iter()
            .filter(|right| WRITING.contains(&right.verb.as_str()))
        {
            let resource = (right.group.as_str(), right.resource.as_str());
            let own = [
                ("flink-retention.dev", "retentionpolicies/status"),
                ("flink-retention.dev", "retentionruns/status"),
                ("flink-retention.dev", "checkpointinventories/status"),
                ("flink-retention.dev", "retentionruns"),
                ("flink-retention.dev", "checkpointinventories"),
                ("events.k8s.io", "events"),
                ("coordination.k8s.io", "leases"),
            ];
            assert!(own.contains(&resource), "{right:?}");
            if right.verb == "delete" {
                assert_eq!(
                    right.resource, "retentionruns",
                    "only runs are deleted: {right:?}"
                );
            }
        }
    }
}

#[test]
fn all_that_the_operator_reads_is_granted_in_each_scope() {
    let [everywhere, listed] = both_scopes().map(|manifests| rights(&manifests));
    for (group, resource, verbs) in [
        ("flink.apache.org", "flinkdeployments", "list watch"),
        ("flink.apache.org", "flinksessionjobs", "list watch"),
        ("flink.apache.org", "flinkstatesnapshots", "list"),
        ("flink.apache.org", "flinkbluegreendeployments", "list"),
        ("flink-retention.dev", "retentionpolicies", "get list watch"),
        (
            "flink-retention.dev",
            "retentionruns",
            "get list watch create delete",
        ),
        (
            "flink-retention.dev",
            "checkpointinventories",
            "list watch create patch",
        ),
        ("apps", "deployments", "list"),
        ("", "pods", "list"),
        ("", "configmaps", "get list"),
        ("events.k8s.io", "events", "create patch"),
    ] {
        for verb in verbs.split(' ') {
            let has = |rights: &[Right], role: &str| {
                rights.iter().any(|right| {
                    right.role == role
                        && right.group == group
                        && right.resource == resource
                        && right.verb == verb
                        && right.names.is_null()
                })
            };
            assert!(
                has(&everywhere, "ClusterRole/null"),
                "{verb} {resource}.{group}"
            );
            for role in ["Role/payments", "Role/orders"] {
                assert!(has(&listed, role), "{verb} {resource}.{group} in {role}");
            }
            assert!(
                !has(&listed, "ClusterRole/null"),
                "{verb} {resource}.{group} only in the listed namespaces"
            );
        }
    }
}

#[test]
fn what_the_operator_never_asks_for_is_not_granted() {
    for manifests in both_scopes() {
        for right in &rights(&manifests) {
            let resource = right.resource.as_str();
            assert_ne!(resource, "customresourcedefinitions", "{right:?}");
            let listed_only = ["pods", "deployments", "namespaces", "configmaps"];
            assert!(
                !(listed_only.contains(&resource) && right.verb == "watch"),
                "{right:?}"
            );
            assert!(resource != "namespaces" || right.verb == "get", "{right:?}");
            assert!(
                !resource.ends_with("/status") || right.verb == "patch",
                "{right:?}"
            );
        }
    }
}

#[test]
fn the_lease_is_the_only_one_that_can_be_changed() {
    for manifests in both_scopes() {
        for right in rights(&manifests)
            .iter()
            .filter(|right| right.resource == "leases")
        {
            assert_eq!(right.role, "Role/operators");
            if right.verb != "create" {
                assert_eq!(
                    right.names,
                    json!(["test-flink-retention-operator"]),
                    "{right:?}"
                );
            }
        }
    }
}

#[test]
fn every_binding_finds_its_role_and_what_is_not_bound_is_for_people() {
    for manifests in both_scopes() {
        let bindings = manifests
            .all("ClusterRoleBinding")
            .chain(manifests.all("RoleBinding"));
        let bound = roles_of_the_operator(&manifests).count();
        assert_eq!(bindings.count(), bound, "each role is bound once");
        let unbound: Vec<&str> = manifests
            .all("ClusterRole")
            .chain(manifests.all("Role"))
            .filter(|role| !roles_of_the_operator(&manifests).any(|of| of == *role))
            .map(|role| role["metadata"]["name"].as_str().unwrap())
            .collect();
        assert_eq!(
            unbound,
            ["view", "edit", "approver"]
                .map(|who| format!("operators:test-flink-retention-operator:{who}")),
        );
    }
}

#[test]
fn of_secrets_only_those_that_are_named_can_be_read_and_only_there() {
    let values =
        json!({"storageSecrets": [{"namespace": "payments", "names": ["s3-credentials"]}]});
    let rights = rights(&Chart::new().render(&values).unwrap());
    let of_secrets: Vec<&Right> = rights
        .iter()
        .filter(|right| right.resource == "secrets")
        .collect();
    assert_eq!(
        of_secrets,
        [&Right {
            role: "Role/payments".to_owned(),
            group: String::new(),
            resource: "secrets".to_owned(),
            verb: "get".to_owned(),
            names: json!(["s3-credentials"]),
        }]
    );
    let everything = json!({"storageSecrets": [{"namespace": "payments", "names": []}]});
    Chart::new().render(&everything).unwrap_err();
}

#[test]
fn workers_need_a_few_rights_more_and_those_only_where_they_are_asked_for() {
    let chart = Chart::new();
    for values in [
        json!({}),
        json!({"watchNamespaces": ["payments", "orders"]}),
    ] {
        let without = rights(&chart.render(&values).unwrap());
        let added = |namespaces: &Value| {
            let mut switched_on = values.clone();
            switched_on["workers"] = json!({"enabled": true, "namespaces": namespaces});
            let with = rights(&chart.render(&switched_on).unwrap());
            let mut added: Vec<String> = with
                .iter()
                .filter(|right| !without.contains(right))
                .map(|right| format!("{} {} {}", right.role, right.verb, right.resource))
                .collect();
            added.sort();
            added
        };
        let everywhere = "ClusterRole/null create tokenreviews";
        assert_eq!(added(&json!([])), [everywhere]);
        let there = [
            everywhere,
            "Role/payments create jobs",
            "Role/payments delete jobs",
            "Role/payments get persistentvolumeclaims",
            "Role/payments get pods",
        ];
        assert_eq!(added(&json!(["payments"])), there);
        let mut off = values.clone();
        off["workers"] = json!({"enabled": false, "namespaces": ["payments"]});
        assert_eq!(rights(&chart.render(&off).unwrap()), without);
    }
}
