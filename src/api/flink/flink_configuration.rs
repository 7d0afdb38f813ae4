//! Flink's configuration as flat keys with text values, from each of the places where it is written.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use thiserror::Error;

/// Depth of nesting beyond which a document is not a configuration.
const MAX_DEPTH: usize = 32;

/// Flat keys with text values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct FlinkConfiguration {
    entries: BTreeMap<String, String>,
}

/// The text or value is not a configuration.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum InvalidConfiguration {
    /// `config.yaml` is not YAML.
    #[error("config.yaml is not valid YAML: {0}")]
    Yaml(String),
    /// The top is not a map.
    #[error("a configuration is a map of keys and values, but this is {0}")]
    NotAMap(&'static str),
    /// Too deeply nested.
    #[error("the configuration is nested more than {MAX_DEPTH} levels deep")]
    TooDeep,
}

impl FlinkConfiguration {
    /// The value of a key, exactly as spelled. Typed look-ups with all spellings are in
    /// [`options`](super::options).
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.entries.get(key).map(String::as_str)
    }

    /// All keys and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// This configuration with another on top, as a session job's is on its cluster's.
    #[must_use]
    pub fn overlaid_with(&self, top: &Self) -> Self {
        let mut entries = self.entries.clone();
        entries.extend(top.entries.clone());
        Self { entries }
    }

    /// Flattens `spec.flinkConfiguration` (`ConfigObjectNode` of the Flink operator): nested objects become dotted
    /// keys, flat and nested spellings mix, lists of scalars are joined with `;`, numbers and booleans become text. Of
    /// a key that occurs twice the later one wins, in the order of keys in which an API server stores them.
    ///
    /// # Errors
    /// The value is not a map.
    pub fn from_json(value: &Value) -> Result<Self, InvalidConfiguration> {
        let mut entries = BTreeMap::new();
        match value {
            Value::Null => {}
            Value::Object(_) => flatten(value, &mut String::new(), 0, &mut entries)?,
            other => return Err(InvalidConfiguration::NotAMap(kind_of(other))),
        }
        Ok(Self { entries })
    }

    /// Reads the text of a `config.yaml`: nested YAML, of Flink 2.0 and later (and 1.19, 1.20 outside the operator).
    ///
    /// # Errors
    /// The text is not YAML, or not a map.
    pub fn from_config_yaml(text: &str) -> Result<Self, InvalidConfiguration> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let value = serde_saphyr::from_str(text)
            .map_err(|error| InvalidConfiguration::Yaml(error.to_string()))?;
        Self::from_json(&value)
    }

    /// Reads the text of a `flink-conf.yaml` of Flink 1.x as Flink does (`GlobalConfiguration.loadYAMLResource`): one
    /// `key: value` a line, `#` starts a comment anywhere, quotes mean nothing, other lines are skipped.
    #[must_use]
    pub fn from_flink_conf_yaml(text: &str) -> Self {
        let lines = text
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default().trim());
        let entries = lines
            .filter_map(|line| line.split_once(": "))
            .filter_map(|(key, value)| {
                let (key, value) = (key.trim(), value.trim());
                (!key.is_empty() && !value.is_empty()).then(|| (key.to_owned(), value.to_owned()))
            });
        Self {
            entries: entries.collect(),
        }
    }

    /// Reads the data of the `ConfigMap` `flink-config-<cluster id>`: `config.yaml` if it is there, else
    /// `flink-conf.yaml`. `None` if neither is.
    ///
    /// # Errors
    /// `config.yaml` is not YAML, or not a map.
    pub fn from_config_map(
        data: &BTreeMap<String, String>,
    ) -> Result<Option<Self>, InvalidConfiguration> {
        if let Some(text) = data.get("config.yaml") {
            return Self::from_config_yaml(text).map(Some);
        }
        Ok(data
            .get("flink-conf.yaml")
            .map(|text| Self::from_flink_conf_yaml(text)))
    }
}

fn flatten(
    value: &Value,
    prefix: &mut String,
    depth: usize,
    entries: &mut BTreeMap<String, String>,
) -> Result<(), InvalidConfiguration> {
    if depth > MAX_DEPTH {
        return Err(InvalidConfiguration::TooDeep);
    }
    match value {
        Value::Object(fields) => {
            let length = prefix.len();
            for (key, field) in fields {
                if length > 0 {
                    prefix.push('.');
                }
                prefix.push_str(key);
                flatten(field, prefix, depth + 1, entries)?;
                prefix.truncate(length);
            }
        }
        Value::Null => {}
        scalar_or_list => {
            entries.insert(prefix.clone(), text_of(scalar_or_list));
        }
    }
    Ok(())
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text_of).collect::<Vec<_>>().join(";"),
        other => other.to_string(),
    }
}

const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

impl<'de> Deserialize<'de> for FlinkConfiguration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_json(&Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for FlinkConfiguration {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self {
            entries: entries
                .into_iter()
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    #[test]
    fn flat_and_nested_spellings_mean_the_same() {
        let nested = json!({
            "state": {"checkpoints.dir": "s3://b/c", "backend": {"incremental": true}},
            "high-availability": {"type": "kubernetes"},
            "execution.checkpointing.interval": 2000,
            "pipeline.jars": ["a.jar", "b.jar"],
            "empty": null,
        });
        let flat = json!({
            "state.checkpoints.dir": "s3://b/c", "state.backend.incremental": "true",
            "high-availability.type": "kubernetes", "execution.checkpointing.interval": "2000",
            "pipeline.jars": "a.jar;b.jar",
        });
        let configuration = FlinkConfiguration::from_json(&nested).unwrap();
        assert_eq!(configuration, FlinkConfiguration::from_json(&flat).unwrap());
        assert_eq!(configuration.iter().count(), 5);
    }

    #[test]
    fn of_a_key_that_occurs_twice_the_later_one_wins() {
        let twice =
            json!({"state": {"checkpoints.dir": "nested"}, "state.checkpoints.dir": "flat"});
        assert_eq!(
            FlinkConfiguration::from_json(&twice)
                .unwrap()
                .get("state.checkpoints.dir"),
            Some("flat")
        );
    }

    #[test]
    fn what_is_not_a_configuration_is_an_error() {
        assert_eq!(
            FlinkConfiguration::from_json(&json!(["a"])),
            Err(InvalidConfiguration::NotAMap("a list"))
        );
        assert_eq!(
            FlinkConfiguration::from_json(&Value::Null),
            Ok(FlinkConfiguration::default())
        );
        let mut deep = json!("x");
        for _ in 0..40 {
            deep = json!({"a": deep});
        }
        assert_eq!(
            FlinkConfiguration::from_json(&deep),
            Err(InvalidConfiguration::TooDeep)
        );
        assert!(matches!(
            FlinkConfiguration::from_config_yaml("a: [b"),
            Err(InvalidConfiguration::Yaml(_))
        ));
    }

    #[test]
    fn config_yaml_is_nested_yaml() {
        let text = "# written by Flink\nstate:\n  checkpoints:\n    dir: 'file:///flink-data/cp'\n\
                    execution.checkpointing.timeout: 10 min\ntaskmanager.numberOfTaskSlots: 2\n\
                    $internal.pipeline.job-id: '00000000000000000000000000000000'\n";
        let configuration = FlinkConfiguration::from_config_yaml(text).unwrap();
        assert_eq!(
            configuration.get("state.checkpoints.dir"),
            Some("file:///flink-data/cp")
        );
        assert_eq!(
            configuration.get("execution.checkpointing.timeout"),
            Some("10 min")
        );
        assert_eq!(
            configuration.get("taskmanager.numberOfTaskSlots"),
            Some("2")
        );
        assert_eq!(
            configuration.get("$internal.pipeline.job-id"),
            Some("00000000000000000000000000000000")
        );
        assert_eq!(
            FlinkConfiguration::from_config_yaml("\n"),
            Ok(FlinkConfiguration::default())
        );
    }

    #[test]
    fn flink_conf_yaml_is_read_as_flink_does() {
        let text = "state.checkpoints.dir: s3://b/c   # not s3://b/d\r\n  high-availability.type:   kubernetes\n\
                    # comment\nno separator\nempty: \nkey:value\nrest.address: 'quoted'\nrest.address: last: wins\n";
        let configuration = FlinkConfiguration::from_flink_conf_yaml(text);
        assert_eq!(
            configuration.iter().collect::<Vec<_>>(),
            [
                ("high-availability.type", "kubernetes"),
                ("rest.address", "last: wins"),
                ("state.checkpoints.dir", "s3://b/c")
            ]
        );
    }

    #[test]
    fn the_config_map_says_which_text_counts() {
        let data = |key: &str, text: &str| {
            BTreeMap::from([
                (key.to_owned(), text.to_owned()),
                ("log4j".to_owned(), String::new()),
            ])
        };
        let new = FlinkConfiguration::from_config_map(&data(
            "config.yaml",
            "state: {checkpoints.dir: a}",
        ))
        .unwrap();
        assert_eq!(new.unwrap().get("state.checkpoints.dir"), Some("a"));
        let old = FlinkConfiguration::from_config_map(&data(
            "flink-conf.yaml",
            "state.checkpoints.dir: b",
        ))
        .unwrap();
        assert_eq!(old.unwrap().get("state.checkpoints.dir"), Some("b"));
        assert_eq!(
            FlinkConfiguration::from_config_map(&data("x", "")),
            Ok(None)
        );
    }

    #[test]
    fn a_session_jobs_settings_lie_on_top() {
        let cluster = FlinkConfiguration::from_iter([("a", "1"), ("b", "1")]);
        let job = FlinkConfiguration::from_iter([("b", "2")]);
        assert_eq!(
            cluster.overlaid_with(&job),
            FlinkConfiguration::from_iter([("a", "1"), ("b", "2")])
        );
    }
}
