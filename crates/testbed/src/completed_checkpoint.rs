//! Makes the high-availability data of a checkpoint as Flink serializes it: the `ConfigMap` value and the blob behind it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What a JobManager keeps of a checkpoint that it retains.
#[derive(Clone, Debug, Default)]
pub struct CompletedCheckpoint {
    pub checkpoint_id: u64,
    /// The job id as 32 hexadecimal digits.
    pub job_id: String,
    /// The directory of the snapshot.
    pub pointer: String,
    /// In milliseconds since 1970.
    pub triggered: i64,
    /// In milliseconds since 1970.
    pub completed: i64,
    /// Absolute files, by path and size in bytes.
    pub files: Vec<(String, u64)>,
}

impl CompletedCheckpoint {
    /// The bytes of its `completedCheckpoint…` file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let half = |range| {
            let digits = self.job_id.get(range).unwrap_or_default();
            i64::from_ne_bytes(
                u64::from_str_radix(digits, 16)
                    .unwrap_or_default()
                    .to_ne_bytes(),
            )
        };
        let job = object(
            "org.apache.flink.api.common.JobID",
            vec![
                ("lowerPart", Value::Long(half(0..16))),
                ("upperPart", Value::Long(half(16..32))),
            ],
        );
        let handles = self.files.iter().map(|(path, size)| file(path, *size));
        let root = object(
            "org.apache.flink.runtime.checkpoint.CompletedCheckpoint",
            vec![
                (
                    "checkpointID",
                    Value::Long(self.checkpoint_id.cast_signed()),
                ),
                ("timestamp", Value::Long(self.triggered)),
                ("completionTimestamp", Value::Long(self.completed)),
                ("externalPointer", Value::Text(self.pointer.clone())),
                ("job", job),
                (
                    "metadataHandle",
                    file(&format!("{}/_metadata", self.pointer), 1),
                ),
                ("props", properties()),
                ("operatorStates", Value::List(handles.collect())),
            ],
        );
        stream(&root)
    }
}

/// The value of a `checkpointID-…` key whose checkpoint is in the file `blob`.
#[must_use]
pub fn config_map_value(blob: &str, marked_for_deletion: bool) -> String {
    let inner = object(
        "org.apache.flink.runtime.state.RetrievableStreamStateHandle",
        vec![("wrappedStreamStateHandle", file(blob, 1))],
    );
    let marked = object(
        "org.apache.flink.kubernetes.highavailability.KubernetesStateHandleStore$StateHandleWithDeleteMarker",
        vec![
            ("markedForDeletion", Value::Bool(marked_for_deletion)),
            ("inner", inner),
        ],
    );
    STANDARD.encode(stream(&marked))
}

fn file(path: &str, size: u64) -> Value {
    let uri = object(
        "java.net.URI",
        vec![("string", Value::Text(path.to_owned()))],
    );
    object(
        "org.apache.flink.runtime.state.filesystem.FileStateHandle",
        vec![
            ("stateSize", Value::Long(size.cast_signed())),
            (
                "filePath",
                object("org.apache.flink.core.fs.Path", vec![("uri", uri)]),
            ),
        ],
    )
}

fn properties() -> Value {
    let flags = [
        "forced",
        "discardSubsumed",
        "discardFinished",
        "discardCancelled",
        "discardFailed",
        "discardSuspended",
    ];
    let kind = Value::Enum(
        "org.apache.flink.runtime.checkpoint.CheckpointType",
        "CHECKPOINT",
    );
    let flags = flags.into_iter().map(|flag| (flag, Value::Bool(false)));
    object(
        "org.apache.flink.runtime.checkpoint.CheckpointProperties",
        flags
            .chain(std::iter::once(("checkpointType", kind)))
            .collect(),
    )
}

enum Value {
    Long(i64),
    Bool(bool),
    Text(String),
    Enum(&'static str, &'static str),
    List(Vec<Value>),
    Object(&'static str, Vec<(&'static str, Value)>),
}

fn object(class: &'static str, fields: Vec<(&'static str, Value)>) -> Value {
    Value::Object(class, fields)
}

/// Java's serialization protocol, without its back references: every class is described wherever it is used.
fn stream(root: &Value) -> Vec<u8> {
    let mut out = vec![0xac, 0xed, 0x00, 0x05];
    write(root, &mut out);
    out
}

const SERIALIZABLE: u8 = 0x02;
const WITH_WRITE_METHOD: u8 = 0x03;
const IS_ENUM: u8 = 0x12;

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Long(number) => out.extend(number.to_be_bytes()),
        Value::Bool(flag) => out.push(u8::from(*flag)),
        Value::Text(text) => {
            out.push(0x74);
            utf(text, out);
        }
        Value::Enum(name, constant) => {
            out.push(0x7e);
            class(name, IS_ENUM, &[], out);
            write(&Value::Text((*constant).to_owned()), out);
        }
        Value::List(elements) => {
            out.push(0x73);
            class("java.util.ArrayList", WITH_WRITE_METHOD, &[], out);
            for element in elements {
                write(element, out);
            }
            out.push(0x78);
        }
        Value::Object(name, fields) => {
            out.push(0x73);
            class(name, SERIALIZABLE, fields, out);
            for (_, field) in fields {
                write(field, out);
            }
        }
    }
}

fn class(name: &str, flags: u8, fields: &[(&'static str, Value)], out: &mut Vec<u8>) {
    out.push(0x72);
    utf(name, out);
    out.extend([0; 8]);
    out.push(flags);
    out.extend(
        u16::try_from(fields.len())
            .unwrap_or(u16::MAX)
            .to_be_bytes(),
    );
    for (name, value) in fields {
        let kind = match value {
            Value::Long(_) => b'J',
            Value::Bool(_) => b'Z',
            Value::Text(_) | Value::Enum(..) | Value::List(_) | Value::Object(..) => b'L',
        };
        out.push(kind);
        utf(name, out);
        if kind == b'L' {
            write(&Value::Text("Ljava/lang/Object;".to_owned()), out);
        }
    }
    out.extend([0x78, 0x70]);
}

fn utf(text: &str, out: &mut Vec<u8>) {
    out.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend(text.as_bytes());
}
