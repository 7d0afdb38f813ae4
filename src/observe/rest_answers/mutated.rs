//! Real answers, damaged in every way: each is understood or refused with a sentence, and nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;

const VERSIONS: [&str; 3] = ["1.20.1", "2.1.0", "2.3.0"];
const STATISTICS: [&str; 3] = [
    "checkpoints",
    "checkpoints-just-restored",
    "checkpoints-with-savepoint",
];

fn file(version: &str, name: &str) -> Vec<u8> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/rest");
    std::fs::read(format!("{directory}/{version}/{name}.json")).unwrap()
}

fn answers() -> impl Strategy<Value = [Vec<u8>; 4]> {
    let names = (
        prop::sample::select(VERSIONS.to_vec()),
        prop::sample::select(STATISTICS.to_vec()),
    );
    names.prop_map(|(version, statistics)| {
        let names = ["job", statistics, "checkpoints-config", "jobmanager-config"];
        names.map(|name| file(version, name))
    })
}

fn understood(answers: &[Vec<u8>; 4]) -> Result<RestCheckpoints, String> {
    let [job, statistics, config, cluster] = answers;
    let answers = Answers {
        job,
        checkpoints: Some((statistics, config)),
        cluster: Ok(cluster),
    };
    read(answers, Timestamp::UNIX_EPOCH, &Origin::default())
}

/// Whatever is believed is bounded, and every refusal has a reason.
fn check(result: Result<RestCheckpoints, String>) {
    match result {
        Err(why) => assert!(!why.is_empty()),
        Ok(rest) => {
            assert!(rest.state.len() <= LONGEST_WORD);
            let ids: Vec<u64> = rest.checkpoints.iter().map(|known| known.id).collect();
            assert!(ids.is_sorted_by(|a, b| a < b), "doubles");
            let untimed = |known: &RestCheckpoint| known.triggered <= Timestamp::UNIX_EPOCH;
            assert!(!rest.checkpoints.iter().any(untimed));
        }
    }
}

/// What somebody could write in place of a value.
fn odd() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| serde_json::json!(number)),
        ".{0,40}".prop_map(Value::from),
        "s3://[a-z/]{0,20}".prop_map(Value::from),
        Just(Value::from("x".repeat(100_000))),
        Just(serde_json::json!([])),
        Just(serde_json::json!({})),
        Just(serde_json::json!([{"id": -1}])),
    ]
}

fn places(value: &Value, at: &mut Vec<String>, found: &mut Vec<String>) {
    found.push(at.iter().flat_map(|key| ["/", key]).collect());
    let mut inner = |key: String, value: &Value| {
        at.push(key);
        places(value, at, found);
        at.pop();
    };
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                inner(key.replace('~', "~0").replace('/', "~1"), value);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                inner(index.to_string(), value);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn bytes(
        mut answers in answers(),
        which in 0..4_usize,
        at in any::<Index>(),
        cut in any::<bool>(),
        put in prop::collection::vec(any::<u8>(), 0..6),
    ) {
        let answer = &mut answers[which];
        let at = at.index(answer.len());
        if cut {
            answer.truncate(at);
        }
        let end = (at + 1).min(answer.len());
        answer.splice(at.min(end)..end, put);
        check(understood(&answers));
    }

    #[test]
    fn values(
        mut answers in answers(),
        changes in prop::collection::vec((0..4_usize, any::<Index>(), odd()), 1..4),
    ) {
        for (which, place, odd) in changes {
            let mut value: Value = serde_json::from_slice(&answers[which]).unwrap();
            let mut found = Vec::new();
            places(&value, &mut Vec::new(), &mut found);
            *value.pointer_mut(place.get::<String>(&found)).unwrap() = odd;
            answers[which] = serde_json::to_vec(&value).unwrap();
        }
        check(understood(&answers));
    }

    #[test]
    fn one_answer_in_place_of_another(answers in answers(), order in Just([0, 1, 2, 3_usize]).prop_shuffle()) {
        let swapped = order.map(|which| answers[which].clone());
        let result = understood(&swapped);
        let harmless = order[..3] == [0, 1, 2];
        prop_assert_eq!(result.is_ok(), harmless);
        check(result);
    }
}

#[test]
fn nesting_without_end_is_refused() {
    let mut all = [
        "job",
        "checkpoints",
        "checkpoints-config",
        "jobmanager-config",
    ]
    .map(|name| file("2.1.0", name));
    all[1] = b"[".repeat(1_000_000);
    assert!(understood(&all).is_err());
    all[1] = br#"{"latest":"#.repeat(100_000);
    assert!(understood(&all).is_err());
}

#[test]
fn a_history_of_a_hundred_thousand_is_read_in_time() {
    let entry = |id: u64| {
        format!(r#"{{"id":{id},"status":"FAILED","is_savepoint":false,"trigger_timestamp":7}}"#)
    };
    let history: Vec<String> = (0..100_000).map(entry).collect();
    let mut all = [
        "job",
        "checkpoints",
        "checkpoints-config",
        "jobmanager-config",
    ]
    .map(|name| file("2.1.0", name));
    all[1] = format!(r#"{{"latest":{{}},"history":[{}]}}"#, history.join(",")).into_bytes();
    let begun = std::time::Instant::now();
    assert_eq!(understood(&all).unwrap().checkpoints.len(), 100_000);
    // Far more than it takes, on a slow machine too; compared with one another they would take much longer.
    assert!(begun.elapsed() < std::time::Duration::from_mins(1));
}
