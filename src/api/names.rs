//! Labels, annotations and names that this project gives to Kubernetes objects.

use crate::api::GROUP;

/// On a [`RetentionRun`](crate::api::RetentionRun): the name of its policy.
pub const POLICY_LABEL: &str = "flink-retention.dev/policy";
/// On a `FlinkStateSnapshot`: `"true"` keeps the snapshot whatever a policy says.
pub const KEEP_ANNOTATION: &str = "flink-retention.dev/keep";
/// On a Flink resource or a namespace: `"true"` suspends all deleting for it.
pub const SUSPEND_ANNOTATION: &str = "flink-retention.dev/suspend";

/// The longest name of a Kubernetes object.
const MAX_NAME: usize = 253;

/// Whether an annotation of ours is switched on: any value but `"false"`. A misspelt `True` or `yes` keeps, too.
#[must_use]
pub fn is_on(annotation: Option<&String>) -> bool {
    annotation.is_some_and(|value| !value.trim().eq_ignore_ascii_case("false"))
}

/// The name of the inventory of a Flink resource: `orders.flinkdeployment` for the `FlinkDeployment` `orders`.
/// A resource with a name so long that this would not fit gets none.
#[must_use]
pub fn inventory_name(kind: &str, name: &str) -> Option<String> {
    let inventory = format!("{name}.{}", kind.to_ascii_lowercase());
    (inventory.len() <= MAX_NAME).then_some(inventory)
}

/// The name of the custom resource definition of a plural: `retentionpolicies.flink-retention.dev`.
#[must_use]
pub fn definition_name(plural: &str) -> String {
    format!("{plural}.{GROUP}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn an_annotation_is_off_only_when_absent_or_false() {
        assert!(!is_on(None));
        assert!(!is_on(Some(&"False ".to_owned())));
        for value in ["true", "", "yes", "until the audit"] {
            assert!(is_on(Some(&value.to_owned())), "{value}");
        }
    }

    #[test]
    fn inventories_of_two_kinds_of_the_same_name_differ() {
        assert_eq!(
            inventory_name("FlinkDeployment", "orders").unwrap(),
            "orders.flinkdeployment"
        );
        assert_eq!(
            inventory_name("FlinkSessionJob", "orders").unwrap(),
            "orders.flinksessionjob"
        );
        assert_eq!(inventory_name("FlinkSessionJob", &"a".repeat(250)), None);
    }
}
