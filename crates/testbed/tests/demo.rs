//! The demo cannot rot: what it shows a newcomer is what happens.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::{Command, Stdio};

#[test]
fn the_demo_tells_its_story() {
    let output = Command::new(env!("CARGO_BIN_EXE_demo"))
        .env_remove("KEEP")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{failed}");

    // The kinds, with what matters about each job.
    assert!(has(&told, &["carts.flinkdeployment", "terminal"]), "{told}");
    assert!(has(&told, &["stock.flinkdeployment", "False"]), "{told}");
    assert!(has(&told, &["shop", "DryRun", "Succeeded"]), "{told}");
    // What is protected, and by which guard.
    assert!(
        has(&told, &["payments", "17679772", "job-manager-unreachable"]),
        "{told}"
    );
    assert!(has(&told, &["carts", "unreadable-snapshot"]), "{told}");
    // The first run marks, the second deletes.
    assert!(
        has(&told, &["mark", "shop", "Enforce", "Succeeded", "1.2Mi"]),
        "{told}"
    );
    assert!(
        has(
            &told,
            &["sweep", "shop", "Enforce", "Succeeded", "0", "1.2Mi"]
        ),
        "{told}"
    );
    // Of each job exactly its garbage.
    assert!(has(&told, &["clicks", "went:", "84", "files"]), "{told}");
    assert!(has(&told, &["payments", "went:", "0", "files"]), "{told}");
    assert!(
        has(
            &told,
            &["flink_retention_job_restorable", r#""stock""#, "0"]
        ),
        "{told}"
    );
    assert!(has(&told, &["exit", "code", "3"]), "{told}");
    assert!(told.contains("everything is cleaned up"), "{told}");
    assert!(!told.contains('\x1b'), "no colours in a pipe");
}

/// Whether a line has these words, in this order.
fn has(told: &str, words: &[&str]) -> bool {
    told.lines().any(|line| {
        let mut rest = line;
        words.iter().all(|word| match rest.split_once(word) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        })
    })
}
