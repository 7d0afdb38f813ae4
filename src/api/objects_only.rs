//! Decoding in which only an object is an object.
//!
//! Derived code also takes a list for the fields of a struct, in their order, and gives defaults to those that are left
//! over. So `spec: ["x"]` would be a spec in which everything is absent, and hide all that the resource names.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error, IntoDeserializer, Unexpected, Visitor};
use serde_json::Value;

/// A JSON value to decode from.
#[derive(Clone, Debug)]
pub(crate) struct ObjectsOnly(pub(crate) Value);

/// Decodes JSON text.
///
/// # Errors
/// The text is not JSON, or is not of this type.
pub(crate) fn from_slice<T: DeserializeOwned>(json: &[u8]) -> Result<T, serde_json::Error> {
    T::deserialize(ObjectsOnly(serde_json::from_slice(json)?))
}

type Decoded<T> = Result<T, serde_json::Error>;

impl<'de> Deserializer<'de> for ObjectsOnly {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        match self.0 {
            Value::Object(fields) => {
                let fields = fields.into_iter().map(|(key, field)| (key, Self(field)));
                let mut fields = MapDeserializer::new(fields);
                let value = visitor.visit_map(&mut fields)?;
                fields.end()?;
                Ok(value)
            }
            Value::Array(items) => {
                let mut items = SeqDeserializer::new(items.into_iter().map(Self));
                let value = visitor.visit_seq(&mut items)?;
                items.end()?;
                Ok(value)
            }
            scalar => scalar.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Decoded<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Decoded<V::Value> {
        match self.0 {
            Value::Array(_) => Err(Error::invalid_type(Unexpected::Seq, &"an object")),
            _ => self.deserialize_any(visitor),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map enum identifier ignored_any
    }
}

impl IntoDeserializer<'_, serde_json::Error> for ObjectsOnly {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde::Deserialize;
    use serde_json::json;
    use std::collections::BTreeMap;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    struct Inner {
        #[serde(default)]
        path: Option<String>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Outer {
        #[serde(default)]
        inner: Option<Inner>,
        #[serde(default)]
        list: Vec<Inner>,
        #[serde(default)]
        map: BTreeMap<String, Inner>,
        #[serde(default)]
        any: Option<Value>,
        #[serde(default)]
        number: Option<i64>,
    }

    fn read(value: Value) -> Result<Outer, serde_json::Error> {
        Outer::deserialize(ObjectsOnly(value))
    }

    #[test]
    fn what_serde_json_reads_is_read() {
        let value = json!({
            "inner": {"path": "a"}, "list": [{"path": "b"}, {}], "map": {"c": {"path": null}},
            "any": [{"x": [1]}], "number": 7, "unknown": {"deep": [[]]},
        });
        let expected: Outer = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(read(value).unwrap(), expected);
        assert_eq!(read(json!({"inner": null})).unwrap().inner, None);
    }

    #[test]
    fn a_list_is_no_object_at_any_depth() {
        for value in [
            json!([]),
            json!([{"path": "a"}]),
            json!({"inner": []}),
            json!({"inner": ["a"]}),
            json!({"list": [["a"]]}),
            json!({"map": {"c": []}}),
        ] {
            assert!(read(value.clone()).is_err(), "{value}");
        }
    }

    #[test]
    fn text_that_is_no_json_is_an_error() {
        assert!(from_slice::<Inner>(b"{").is_err());
        assert!(from_slice::<Inner>(b"[]").is_err());
        assert_eq!(from_slice::<Inner>(b"{}").unwrap(), Inner::default());
    }
}
