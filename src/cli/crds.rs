//! `flink-retention crds`: prints the definitions of our resources, ready for `kubectl apply -f -`.

use std::io::{self, Write};

use anyhow::Context;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

/// The definitions of our three resources.
#[must_use]
pub fn crds() -> Vec<CustomResourceDefinition> {
    crate::api::crds()
}

/// Writes the definitions as YAML documents.
///
/// # Errors
/// The output cannot be written.
pub fn print(mut output: impl Write) -> anyhow::Result<()> {
    for definition in crds() {
        let yaml = to_yaml(&definition)?;
        match output.write_all(format!("---\n{yaml}").as_bytes()) {
            // The reader has seen enough, as in `flink-retention crds | head`.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            written => written.context("cannot write the definitions")?,
        }
    }
    Ok(())
}

/// One definition as YAML, as the files in `crds/` hold it.
///
/// # Errors
/// Never for a definition of ours.
pub fn to_yaml(definition: &CustomResourceDefinition) -> anyhow::Result<String> {
    let name = definition.metadata.name.as_deref().unwrap_or_default();
    serde_saphyr::to_string(definition)
        .with_context(|| format!("cannot write the definition {name} as YAML"))
}
