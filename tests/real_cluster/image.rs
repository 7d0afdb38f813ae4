//! The image of the Dockerfile without a builder: this program, what its base has, and its settings.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use testbed::real_cluster::Image;

/// As `examples/values.yaml` names it.
const OPERATOR: &str = "registry.example.com/flink-retention:0.1.0";
/// A shell and some programs; in a cluster of ours made from those of this machine.
pub(crate) const SHELL: &str = "docker.io/library/busybox:1.37";

pub(crate) fn operator() -> Image {
    let mut files = vec![(
        PathBuf::from(env!("CARGO_BIN_EXE_flink-retention")),
        "/flink-retention".to_owned(),
    )];
    for of_base in ["/etc/ssl/certs/ca-certificates.crt", "/usr/share/zoneinfo"] {
        assert!(
            fs::exists(of_base).unwrap(),
            "the image needs {of_base}: apt-get install ca-certificates tzdata"
        );
        files.push((of_base.into(), of_base.to_owned()));
    }
    Image {
        name: OPERATOR.to_owned(),
        files,
        configuration: settings(),
    }
}

pub(crate) fn shell() -> Image {
    let programs = ["sh", "sleep", "tar", "find", "id", "rm", "sort"];
    Image::of_programs(SHELL, &programs, json!({"Env": ["PATH=/bin"]})).unwrap()
}

/// What the last stage of the Dockerfile says about who runs what.
fn settings() -> Value {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Dockerfile");
    let text = fs::read_to_string(file).unwrap();
    let said = |instruction: &str| {
        let lines = text.lines();
        let mut found = lines.filter_map(|line| line.strip_prefix(instruction));
        found.next_back().unwrap().trim().to_owned()
    };
    let list = |text: String| serde_json::from_str::<Value>(&text).unwrap();
    json!({
        "User": said("USER "),
        "Entrypoint": list(said("ENTRYPOINT ")),
        "Cmd": list(said("CMD ")),
    })
}
