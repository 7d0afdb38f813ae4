use kube::Resource;
use kube::api::{ApiResource, DynamicObject, ObjectMeta, TypeMeta};
use kube::core::DynamicResourceScope;
use serde_json::Value;
use std::borrow::Cow;

/// An object as the API server sent it, but for what managers of fields note. Its contents are kept as text: as a tree of
/// values they take several times the memory, and a cluster can have thousands.
#[derive(Clone, Debug)]
pub struct RawObject {
    types: Option<TypeMeta>,
    metadata: ObjectMeta,
    contents: Contents,
}

#[derive(Clone, Debug)]
enum Contents {
    Text(Box<str>),
    /// What is nested so deeply that its text would not be read again.
    Tree(Value),
}

impl RawObject {
    /// The object again.
    #[must_use]
    #[allow(clippy::missing_panics_doc, reason = "it never does")]
    pub fn object(&self) -> DynamicObject {
        let Self {
            types,
            metadata,
            contents,
        } = self;
        #[allow(clippy::expect_used, reason = "it was read when this was made")]
        let data = match contents {
            Contents::Text(text) => serde_json::from_str(text).expect("the text of a value"),
            Contents::Tree(value) => value.clone(),
        };
        DynamicObject {
            types: types.clone(),
            metadata: metadata.clone(),
            data,
        }
    }
}

impl Resource for RawObject {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        DynamicObject::kind(resource)
    }

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        DynamicObject::group(resource)
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        DynamicObject::version(resource)
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        DynamicObject::plural(resource)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

impl From<DynamicObject> for RawObject {
    fn from(object: DynamicObject) -> Self {
        let DynamicObject {
            types,
            metadata,
            data,
        } = object;
        Self {
            types,
            metadata: ObjectMeta {
                managed_fields: None,
                ..metadata
            },
            contents: Contents::from(data),
        }
    }
}

impl From<Value> for Contents {
    fn from(value: Value) -> Self {
        let text = value.to_string();
        match serde_json::from_str::<Value>(&text) {
            Ok(again) if again == value => Self::Text(text.into()),
            Ok(_) | Err(_) => Self::Tree(value),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    #[rstest::rstest]
    fn an_object_is_the_same_again(#[values(1, 100, 1000)] depth: usize) {
        let deep = (0..depth).fold(json!(u64::MAX), |inner, _| json!([inner]));
        let object: DynamicObject = serde_json::from_value(json!({
            "apiVersion": "flink.apache.org/v1beta1",
            "kind": "FlinkDeployment",
            "metadata": {"name": "orders", "labels": {"a": "b"}},
            "spec": {"number": 1.5e300, "text": "\u{0}\u{7f}\"\\ä"},
            "status": [null, true, deep],
        }))
        .unwrap();
        assert_eq!(RawObject::from(object.clone()).object(), object);
    }
}
