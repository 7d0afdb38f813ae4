//! Labels, annotations and names that this project gives to Kubernetes objects.

use serde_json::Value;

use crate::api::GROUP;
use crate::api::schema::validation;

/// On a [`RetentionRun`](crate::api::RetentionRun): the name of its policy.
pub const POLICY_LABEL: &str = "flink-retention.dev/policy";
/// On a `FlinkStateSnapshot`: `"true"` keeps the snapshot whatever a policy says.
pub const KEEP_ANNOTATION: &str = "flink-retention.dev/keep";
/// On a Flink resource or a namespace: `"true"` suspends all deleting for it.
pub const SUSPEND_ANNOTATION: &str = "flink-retention.dev/suspend";

/// The longest name of a Kubernetes object.
const MAX_NAME: usize = 253;

/// Whether this may be the name of an object. No other text goes into a request, or into a sentence that people copy
/// into a shell.
#[must_use]
pub fn is_object_name(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = [name.bytes().next(), name.bytes().next_back()];
    name.len() <= MAX_NAME
        && ends.into_iter().all(|end| end.is_some_and(letter))
        && name
            .bytes()
            .all(|byte| letter(byte) || b"-.".contains(&byte))
}

/// What an API server asks of such a name.
pub(crate) fn object_name_validation() -> Value {
    validation(
        "self.matches('^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$')",
        "write the name of an object: lowercase letters, digits, `-` and `.`, with a letter or digit at both ends, for example orders-s3",
    )
}

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
    fn what_is_no_name_goes_into_no_request_and_no_shell() {
        for name in ["s3", "orders-s3", "a.b-c.d", "0", &"a".repeat(253)] {
            assert!(is_object_name(name), "{name}");
        }
        for name in [
            "",
            "my secret",
            "S3",
            ".a",
            "a-",
            "-a",
            "a/b",
            "../a",
            "a$(id)",
            "a;b",
            "a\n",
            "ä",
            &"a".repeat(254),
        ] {
            assert!(!is_object_name(name), "{name}");
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
