//! Who shows a token. The API server says whose it is; what it says is compared with what a run waits for.

use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, UserInfo};
use k8s_openapi::api::core::v1::Pod;
use kube::api::PostParams;
use kube::{Api, Client, ResourceExt};
use wire::Refused;

use super::awaited::{Awaited, AwaitedJob};

/// Whom a worker's token is for: one that was made for anything else is worth nothing here, and one that is stolen here is
/// worth nothing elsewhere.
pub(in crate::operator) const AUDIENCE: &str = "workers.flink-retention.dev";

const POD_NAME: &str = "authentication.kubernetes.io/pod-name";
const POD_UID: &str = "authentication.kubernetes.io/pod-uid";

/// The pod that a token is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Caller {
    namespace: String,
    pod: String,
    pod_uid: String,
}

/// The awaited Job to which the pod with this token belongs.
pub(super) async fn admit(
    client: &Client,
    awaited: &Awaited,
    token: String,
) -> Result<AwaitedJob, Refused> {
    drop(awaited.making().await);
    // The API server is not asked about everybody who finds this port.
    if !awaited.any(None) {
        return Err(Refused::NotAwaited);
    }
    if token.is_empty() {
        return Err(Refused::Unauthenticated);
    }
    let review = TokenReview {
        spec: TokenReviewSpec {
            audiences: Some(vec![AUDIENCE.to_owned()]),
            token: Some(token),
        },
        ..TokenReview::default()
    };
    let reviews: Api<TokenReview> = Api::all(client.clone());
    let reviewed = reviews.create(&PostParams::default(), &review).await;
    let reviewed = reviewed.map_err(|error| {
        tracing::warn!(%error, "cannot review the token of a worker; allow the operator to create tokenreviews");
        Refused::Later
    })?;
    let caller = caller(reviewed).ok_or(Refused::Unauthenticated)?;
    if !awaited.any(Some(&caller.namespace)) {
        return Err(Refused::NotAwaited);
    }
    let pods: Api<Pod> = Api::namespaced(client.clone(), &caller.namespace);
    let pod = pods.get_metadata_opt(&caller.pod).await.map_err(|error| {
        tracing::warn!(%error, namespace = caller.namespace, "cannot get the pod of a worker");
        Refused::Later
    })?;
    let job = pod.and_then(|pod| job_of(&caller, &pod));
    job.filter(|job| awaited.contains(job))
        .ok_or(Refused::NotAwaited)
}

/// None unless the API server is certain of everything.
fn caller(review: TokenReview) -> Option<Caller> {
    let status = review.status?;
    let is_for_us = status
        .audiences
        .is_some_and(|audiences| audiences.iter().any(|audience| audience == AUDIENCE));
    if status.authenticated != Some(true) || status.error.is_some() || !is_for_us {
        return None;
    }
    let UserInfo {
        username, extra, ..
    } = status.user?;
    let account = username?;
    let (namespace, _) = account
        .strip_prefix("system:serviceaccount:")?
        .split_once(':')?;
    let extra = extra?;
    let only = |key: &str| match extra.get(key).map(Vec::as_slice) {
        Some([value]) => Some(value.clone()),
        _ => None,
    };
    Some(Caller {
        namespace: namespace.to_owned(),
        pod: only(POD_NAME)?,
        pod_uid: only(POD_UID)?,
    })
}

/// The Job that made the pod, if it is the pod that the token is bound to and is not being deleted.
fn job_of(caller: &Caller, pod: &impl ResourceExt) -> Option<AwaitedJob> {
    let is_the_one =
        pod.uid().as_ref() == Some(&caller.pod_uid) && pod.meta().deletion_timestamp.is_none();
    let owner = pod.owner_references().iter().find(|owner| {
        owner.controller == Some(true) && owner.kind == "Job" && owner.api_version == "batch/v1"
    })?;
    is_the_one.then(|| AwaitedJob {
        namespace: caller.namespace.clone(),
        uid: owner.uid.clone(),
    })
}

#[cfg(test)]
mod attacks;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::{Value, json};

    fn review(changes: &Value) -> TokenReview {
        let mut status = json!({
            "authenticated": true,
            "audiences": [AUDIENCE],
            "user": {
                "username": "system:serviceaccount:flink:jobs",
                "extra": {POD_NAME: ["worker"], POD_UID: ["1"]},
            },
        });
        let fields = status.as_object_mut().unwrap();
        fields.extend(changes.as_object().unwrap().clone());
        serde_json::from_value(json!({"spec": {}, "status": status})).unwrap()
    }

    #[test]
    fn a_caller_is_whom_the_api_server_is_certain_of() {
        let known = caller(review(&json!({}))).unwrap();
        assert_eq!(
            (known.namespace.as_str(), known.pod.as_str()),
            ("flink", "worker")
        );
        for changes in [
            json!({"authenticated": false}),
            json!({"authenticated": null}),
            json!({"error": "expired"}),
            json!({"audiences": ["https://kubernetes.default.svc"]}),
            json!({"audiences": null}),
            json!({"user": null}),
            json!({"user": {"username": "admin", "extra": {POD_NAME: ["a"], POD_UID: ["1"]}}}),
            json!({"user": {"username": "system:serviceaccount:flink:jobs"}}),
            json!({"user": {"username": "system:serviceaccount:flink:jobs", "extra": {POD_NAME: ["a"]}}}),
            json!({"user": {"username": "system:serviceaccount:flink:jobs", "extra": {POD_NAME: ["a"], POD_UID: ["1", "2"]}}}),
        ] {
            assert_eq!(caller(review(&changes)), None, "{changes}");
        }
        assert_eq!(caller(TokenReview::default()), None);
    }

    #[test]
    fn a_pod_belongs_to_the_job_that_made_it() {
        let caller = caller(review(&json!({}))).unwrap();
        let pod = |changes: &Value| -> Pod {
            let mut metadata = json!({
                "name": "worker", "namespace": "flink", "uid": "1",
                "ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": "run", "uid": "9", "controller": true}],
            });
            let fields = metadata.as_object_mut().unwrap();
            fields.extend(changes.as_object().unwrap().clone());
            serde_json::from_value(json!({"metadata": metadata})).unwrap()
        };
        assert_eq!(job_of(&caller, &pod(&json!({}))).unwrap().uid, "9");
        let owner = |changes: &Value| {
            let mut owner = json!({"apiVersion": "batch/v1", "kind": "Job", "name": "run", "uid": "9", "controller": true});
            owner
                .as_object_mut()
                .unwrap()
                .extend(changes.as_object().unwrap().clone());
            json!({"ownerReferences": [owner]})
        };
        for changes in [
            json!({"uid": "2"}),
            json!({"deletionTimestamp": "2026-01-01T00:00:00Z"}),
            json!({"ownerReferences": []}),
            owner(&json!({"controller": false})),
            owner(&json!({"kind": "ReplicaSet"})),
            owner(&json!({"apiVersion": "example.com/v1"})),
        ] {
            assert_eq!(job_of(&caller, &pod(&changes)), None, "{changes}");
        }
    }
}
