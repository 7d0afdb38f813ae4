//! Our tree in the words of the truth files.

use flink_metadata::tree::{
    ChannelState, DistributionMode, KeyedState, LocalFile, Operator, OperatorState, StreamState,
    Subtask,
};
use serde_json::{Map, Value, json};

/// Where our tree differs from Flink's, if it does.
pub(crate) fn difference(ours: &Value, theirs: &Value) -> Option<String> {
    match (ours, theirs) {
        (Value::Object(our_fields), Value::Object(their_fields)) => {
            let keys: std::collections::BTreeSet<_> =
                our_fields.keys().chain(their_fields.keys()).collect();
            keys.into_iter()
                .filter(|key| !is_derived(key, their_fields))
                .find_map(|key| {
                    let (ours, theirs) = (
                        our_fields.get(key).unwrap_or(&Value::Null),
                        their_fields.get(key),
                    );
                    match theirs {
                        // Old releases have no such field.
                        None if ours.is_null() || *ours == json!(false) => None,
                        None => Some(format!(".{key}: {ours} is not in the truth")),
                        // Where the file has none, Flink makes up a random id.
                        Some(_) if key == "handle_id" && ours.is_null() => None,
                        Some(theirs) => {
                            difference(ours, theirs).map(|text| format!(".{key}{text}"))
                        }
                    }
                })
        }
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => {
            let (ours, theirs) = (in_order(ours), in_order(theirs));
            let mut pairs = ours.into_iter().zip(theirs).enumerate();
            pairs.find_map(|(i, (ours, theirs))| {
                difference(ours, theirs).map(|text| format!("[{i}]{text}"))
            })
        }
        _ => (ours != theirs).then(|| format!(": {ours} is not {theirs}")),
    }
}

/// Old releases keep files of an incremental handle in maps without an order.
fn in_order(values: &[Value]) -> Vec<&Value> {
    let mut values: Vec<_> = values.iter().collect();
    values.sort_by_key(|value| value["local"].as_str());
    values
}

/// What the truth computes from the rest.
fn is_derived(key: &str, theirs: &Map<String, Value>) -> bool {
    let of_handle = theirs.contains_key("class");
    matches!(key, "state_size" | "crc32" | "offsets_blob")
        || (key == "checkpointed_size" && !of_handle)
}

pub(crate) fn operator(operator: &Operator, pointer: &str) -> Value {
    let mut fields = Map::new();
    fields.insert("id".into(), json!(operator.id.to_string()));
    let Operator {
        id: _,
        name,
        uid,
        parallelism,
        max_parallelism,
        fully_finished,
        coordinator,
        subtasks,
    } = operator;
    set(&mut fields, "name", name.clone().map(Value::from));
    set(&mut fields, "uid", uid.clone().map(Value::from));
    fields.insert("parallelism".into(), json!(parallelism));
    fields.insert("max_parallelism".into(), json!(max_parallelism));
    fields.insert("fully_finished".into(), json!(fully_finished));
    set(
        &mut fields,
        "coordinator",
        coordinator.as_ref().map(|state| stream(state, pointer)),
    );
    fields.insert(
        "subtasks".into(),
        subtasks.iter().map(|s| subtask(s, pointer)).collect(),
    );
    Value::Object(fields)
}

fn subtask(subtask: &Subtask, pointer: &str) -> Value {
    let Subtask {
        index,
        finished,
        managed_operator,
        raw_operator,
        managed_keyed,
        raw_keyed,
        input_channels,
        output_channels,
    } = subtask;
    let mut fields = Map::new();
    fields.insert("index".into(), json!(index));
    fields.insert("finished".into(), json!(finished));
    let operator = |state: &Option<OperatorState>| {
        state
            .as_ref()
            .map(|state| json!([operator_state(state, pointer)]))
    };
    let keyed = |state: &Option<KeyedState>| {
        state
            .as_ref()
            .map(|state| json!([keyed_state(state, pointer)]))
    };
    let channels = |list: &Vec<ChannelState>, input| {
        (!list.is_empty()).then(|| list.iter().map(|c| channel(c, input, pointer)).collect())
    };
    set(&mut fields, "managed_operator", operator(managed_operator));
    set(&mut fields, "raw_operator", operator(raw_operator));
    set(&mut fields, "managed_keyed", keyed(managed_keyed));
    set(&mut fields, "raw_keyed", keyed(raw_keyed));
    set(
        &mut fields,
        "input_channels",
        channels(input_channels, true),
    );
    set(
        &mut fields,
        "output_channels",
        channels(output_channels, false),
    );
    Value::Object(fields)
}

fn stream(state: &StreamState, pointer: &str) -> Value {
    match state {
        StreamState::Inline { name, size } => json!({"kind": "inline", "name": name, "size": size}),
        StreamState::File { path, size } => {
            json!({"kind": "file", "path": path, "size": size.unwrap()})
        }
        StreamState::RelativeFile { relative, size } => json!({
            "kind": "relative-file", "path": format!("{pointer}/{relative}"), "relative": relative,
            "size": size.unwrap(),
        }),
        StreamState::Segment {
            path,
            offset,
            size,
            scope,
            logical_id,
        } => json!({
            "kind": "segment", "path": path, "offset": offset, "size": size.unwrap(), "scope": scope,
            "logical_id": logical_id,
        }),
        StreamState::EmptySegment => json!({"kind": "empty-segment"}),
        StreamState::KeyGroups { .. } => panic!("not in the corpus"),
    }
}

fn operator_state(state: &OperatorState, pointer: &str) -> Value {
    let OperatorState {
        states,
        directories,
        delegate,
    } = state;
    let named: Map<String, Value> = states
        .iter()
        .map(|state| {
            let mode = match state.mode {
                DistributionMode::SplitDistribute => "SPLIT_DISTRIBUTE",
                DistributionMode::Union => "UNION",
                DistributionMode::Broadcast => "BROADCAST",
            };
            (
                state.name.clone(),
                json!({"mode": mode, "offsets": state.offsets.len()}),
            )
        })
        .collect();
    let mut fields = Map::new();
    let class = match directories {
        None => "OperatorStreamStateHandle",
        Some(directories) if directories.empty => "EmptyFileMergingOperatorStreamStateHandle",
        Some(_) => "FileMergingOperatorStreamStateHandle",
    };
    fields.insert("class".into(), json!(class));
    fields.insert("states".into(), Value::Object(named));
    fields.insert("delegate".into(), stream(delegate, pointer));
    if let Some(directories) = directories {
        fields.insert("taskowned_dir".into(), json!(directories.task_owned));
        fields.insert("shared_dir".into(), json!(directories.shared));
    }
    Value::Object(fields)
}

fn keyed_state(state: &KeyedState, pointer: &str) -> Value {
    let local = |files: &[LocalFile]| -> Value {
        files
            .iter()
            .map(|file| json!({"local": file.local, "handle": stream(&file.handle, pointer)}))
            .collect()
    };
    let mut value = match state {
        KeyedState::KeyGroups {
            range,
            offsets,
            delegate,
            handle_id,
        } => json!({
            "range": range, "offsets": offsets, "delegate": stream(delegate, pointer), "handle_id": handle_id,
        }),
        KeyedState::KeyGroupsSavepoint {
            range,
            offsets,
            delegate,
        } => json!({
            "range": range, "offsets": offsets, "delegate": stream(delegate, pointer),
        }),
        KeyedState::Incremental {
            range,
            checkpoint_id,
            backend,
            checkpointed_size,
            meta,
            shared,
            private,
            handle_id,
        } => json!({
            "range": range, "checkpoint_id": checkpoint_id, "backend": backend,
            "checkpointed_size": checkpointed_size, "meta": stream(meta, pointer), "shared": local(shared),
            "private": local(private), "handle_id": handle_id,
        }),
        KeyedState::Changelog {
            range,
            materialization_id,
            checkpoint_id,
            checkpointed_size,
            materialized,
            non_materialized,
            handle_id,
        } => json!({
            "range": range, "materialization_id": materialization_id, "checkpoint_id": checkpoint_id,
            "checkpointed_size": checkpointed_size, "handle_id": handle_id,
            "materialized": materialized.iter().flatten().map(|k| keyed_state(k, pointer)).collect::<Vec<_>>(),
            "non_materialized": non_materialized.iter().map(|k| keyed_state(k, pointer)).collect::<Vec<_>>(),
        }),
        KeyedState::ChangelogInMemory {
            range,
            from,
            to,
            changes,
            bytes: _,
            handle_id,
        } => json!({
            "range": range, "from": from.to_string(), "to": to.to_string(), "changes": changes,
            "handle_id": handle_id,
        }),
        KeyedState::ChangelogInFiles {
            range,
            handles,
            size: _,
            checkpointed_size,
            handle_id,
            storage,
        } => json!({
            "range": range, "checkpointed_size": checkpointed_size, "handle_id": handle_id, "storage": storage,
            "handles": handles
                .iter()
                .map(|part| json!({"offset": part.offset, "handle": stream(&part.handle, pointer)}))
                .collect::<Vec<_>>(),
        }),
    };
    value["class"] = serde_json::to_value(state).unwrap()["class"].clone();
    value
}

fn channel(state: &ChannelState, input: bool, pointer: &str) -> Value {
    let ChannelState {
        subtask,
        channels,
        merged,
        offsets,
        state_size: _,
        delegate,
    } = state;
    let info = |channel: &flink_metadata::tree::ChannelInfo| {
        let (outer, inner) = (channel.0, channel.1);
        if input {
            format!("InputChannelInfo{{gateIdx={outer}, inputChannelIdx={inner}}}")
        } else {
            format!("ResultSubpartitionInfo{{partitionIdx={outer}, subPartitionIdx={inner}}}")
        }
    };
    let infos: Vec<_> = channels.iter().map(info).collect();
    let kind = if input {
        "InputChannelStateHandle"
    } else {
        "ResultSubpartitionStateHandle"
    };
    let mut value = json!({"subtask": subtask, "delegate": stream(delegate, pointer)});
    if *merged {
        value["class"] = json!(format!("Merged{kind}"));
        value["info"] = json!(format!("[{}]", infos.join(", ")));
    } else {
        value["class"] = json!(kind);
        value["info"] = json!(infos[0]);
        value["offsets"] = json!(offsets);
    }
    value
}

fn set(fields: &mut Map<String, Value>, key: &str, value: Option<Value>) {
    if let Some(value) = value {
        fields.insert(key.into(), value);
    }
}
