//! Objects that an older, newer or edited definition has let through, and that this version cannot read: they say so
//! themselves, for nobody looks for that in a log.

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Api;
use kube::Resource;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use kube::core::error_boundary::InvalidObject;
use serde_json::{Value, json};

use super::context::Operator;
use super::events::shortened;
use super::server_side::{FIELD_MANAGER, is_conflict, is_gone};
use crate::api::conditions::{ConditionStatus, Finding, merge};
use crate::api::{Reason, RetentionPolicy, RetentionRun, retention_policy, retention_run};

/// Of the words of a decoder, in bytes: they can hold what they could not read.
const MAX_ERROR: usize = 512;

/// What says of itself that it cannot be read.
pub(super) trait Told: Resource<DynamicType = (), Scope = NamespaceResourceScope> {
    /// The conditions that do not hold then.
    const CONDITIONS: &'static [&'static str];
}

impl Told for RetentionPolicy {
    const CONDITIONS: &'static [&'static str] = &[
        retention_policy::condition::READY,
        retention_policy::condition::ENFORCING,
    ];
}

impl Told for RetentionRun {
    const CONDITIONS: &'static [&'static str] = &[retention_run::condition::COMPLETE];
}

/// Writes the conditions, and leaves the rest of the status as it is.
pub(super) async fn tell<K: Told>(
    operator: &Operator,
    invalid: &InvalidObject,
) -> kube::Result<()> {
    let InvalidObject { error, metadata } = invalid;
    let (Some(namespace), Some(name)) = (&metadata.namespace, &metadata.name) else {
        return Ok(());
    };
    let kind = K::kind(&());
    tracing::warn!(namespace, name, kind = &*kind, %error, "this object cannot be read");
    let resource = ApiResource::erase::<K>(&());
    let api: Api<DynamicObject> =
        Api::namespaced_with(operator.client.0.clone(), namespace, &resource);
    let Some(found) = api.get_opt(name).await? else {
        return Ok(());
    };
    let existing = found.data.pointer("/status/conditions").cloned();
    let existing: Vec<Condition> = existing
        .and_then(|existing| serde_json::from_value(existing).ok())
        .unwrap_or_default();
    let message = format!(
        "this {kind} cannot be read, and nothing is done for it: {}. Repair it, or use a version of the operator that knows it",
        shortened(error.clone(), MAX_ERROR)
    );
    let findings = K::CONDITIONS.iter().map(|&condition| Finding {
        condition,
        status: ConditionStatus::False,
        reason: Reason::Unreadable,
        message: message.clone(),
    });
    let generation = found.metadata.generation;
    let conditions = merge(&existing, findings, generation, operator.clock.now());
    let observed = found.data.pointer("/status/observedGeneration");
    if conditions == existing && observed.and_then(Value::as_i64) == generation {
        return Ok(());
    }
    let patch = json!({
        "metadata": {"uid": found.metadata.uid},
        "status": {"conditions": conditions, "observedGeneration": generation},
    });
    let how = PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    match api.patch_status(name, &how, &Patch::Merge(patch)).await {
        Ok(_) => Ok(()),
        Err(error) if is_gone(&error) || is_conflict(&error) => Ok(()),
        Err(error) => Err(error),
    }
}
