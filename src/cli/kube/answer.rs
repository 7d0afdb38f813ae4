//! How an answer is printed: as kubectl would.

use anyhow::Context;
use serde::Serialize;
use serde_json::{Value, json};

use crate::cli::output::Output;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Form {
    /// Tables for people
    #[default]
    Table,
    /// Tables with more columns
    Wide,
    /// The objects as JSON
    Json,
    /// The objects as YAML
    Yaml,
}

/// Prints objects as they are, if that is what is asked for. A list, unless there is one by its nature.
pub(super) fn objects(
    output: &mut Output,
    form: Form,
    objects: impl FnOnce() -> serde_json::Result<Value>,
) -> anyhow::Result<bool> {
    let what = || "cannot write the objects";
    match form {
        Form::Table | Form::Wide => return Ok(false),
        Form::Json => output.line(format_args!("{:#}", objects().with_context(what)?))?,
        Form::Yaml => {
            let objects = objects().with_context(what)?;
            let text = serde_saphyr::to_string(&objects).with_context(what)?;
            output.line(text.trim_end())?;
        }
    }
    Ok(true)
}

/// As kubectl shows several.
pub(super) fn list(items: &[Value]) -> Value {
    json!({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": items})
}

pub(super) fn values<T: Serialize>(objects: &[T]) -> serde_json::Result<Vec<Value>> {
    objects.iter().map(serde_json::to_value).collect()
}
