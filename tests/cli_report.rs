//! `flink-retention report`: the page says what is true, and what comes from storage stays text.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod report;

use report::{HOSTILE, World, made, said};

#[test]
fn the_first_line_is_what_would_be_freed() {
    let world = World::new();
    let output = world.run("report", &["--stopped", "all", "--keep-last", "2"]);
    assert!(output.status.success(), "{output:?}");
    let text = said(&output);
    let first = text.lines().next().unwrap();
    assert!(
        first.starts_with("reclaimable: 11.0 MiB in 12 files"),
        "{text}"
    );
    assert!(first.contains("of which 0 B may go now"), "{text}");
    let plan = world.run("plan", &["--stopped", "all", "--keep-last", "2"]);
    assert_eq!(said(&plan).lines().next().unwrap(), first);
}

#[test]
fn the_page_is_one_file_without_scripts_that_fetches_nothing() {
    let page = World::new().page(&["--stopped", "all", "--keep-last", "2"]);
    // What is escaped is shown, and names are anything.
    let page = page.replace("&lt;img src=x onerror=alert(1)&gt;", "");
    for forbidden in [
        "<script",
        "javascript:",
        "http://",
        "https://",
        "url(",
        "@import",
        " src=",
        " style=",
        "<link",
        "<iframe",
    ] {
        assert!(!page.contains(forbidden), "{forbidden} in the page");
    }
    assert!(page.contains("default-src 'none'"));
    assert!(page.starts_with("<!DOCTYPE html><html lang=\"en\">"));
}

#[test]
fn names_of_strangers_stay_text() {
    let page = World::new().page(&["--stopped", "all"]);
    assert!(
        page.contains("&lt;img src=x onerror=alert(1)&gt;"),
        "{page}"
    );
    assert!(!page.contains(HOSTILE), "{page}");
    assert!(!page.contains("<img"), "{page}");
}

#[test]
fn what_was_printed_can_be_read_again() {
    let world = World::new();
    let arguments = ["--stopped", "all", "--keep-last", "2"];
    let mut json = arguments.to_vec();
    json.extend(["--output", "json"]);
    let printed = world.run("report", &json);
    let stored = world.0.path().join("report.json");
    std::fs::write(&stored, &printed.stdout).unwrap();
    let from = |more: &[&str]| {
        let mut all = vec!["report", "--from", stored.to_str().unwrap()];
        all.extend(more);
        report::flink_retention(&all)
    };
    assert_eq!(from(&["--output", "json"]).stdout, printed.stdout);
    let table = world.run("report", &arguments);
    assert_eq!(said(&from(&[])), said(&table));

    let both = from(&["--keep-last", "2"]);
    assert_eq!(both.status.code(), Some(2), "{both:?}");
    let newer = said(&printed).replace("\"formatVersion\":1", "\"formatVersion\":2");
    std::fs::write(&stored, newer).unwrap();
    let refused = from(&[]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let why = String::from_utf8(refused.stderr).unwrap();
    assert!(
        why.contains("has format 2, and this version reads format 1"),
        "{why}"
    );
    std::fs::write(&stored, "{}").unwrap();
    let why = String::from_utf8(from(&[]).stderr).unwrap();
    assert!(
        why.contains("is not what `flink-retention report --output json` prints"),
        "{why}"
    );
}

#[test]
fn it_says_what_each_snapshot_holds_alone() {
    let world = World::new();
    let output = world.run(
        "report",
        &["--stopped", "all", "--keep-last", "2", "--output", "json"],
    );
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let job = report["jobs"]["first"]
        .as_array()
        .unwrap()
        .iter()
        .find(|job| job["name"] == format!("job {}", report::OVER))
        .unwrap();
    let alone = |name: &str| {
        let snapshots = job["snapshots"]["first"].as_array().unwrap();
        let snapshot = snapshots.iter().find(|snapshot| snapshot["name"] == name);
        let snapshot = snapshot.unwrap();
        let metadata = world.metadata(report::OVER, name);
        (
            snapshot["fate"].as_str().unwrap().to_owned(),
            snapshot["alone"]["bytes"].as_u64().unwrap() - metadata,
            snapshot["holds"]["bytes"].as_u64().unwrap() - metadata,
        )
    };
    // Each checkpoint names what its predecessor and its successor name, too, and one file of its own.
    assert_eq!(
        alone("chk-4"),
        (
            "expires".to_owned(),
            (4 << 20) + (4 << 10),
            (9 << 20) + (4 << 10)
        )
    );
    assert_eq!(
        alone("chk-8"),
        ("retained".to_owned(), 8 << 10, (17 << 20) + (8 << 10))
    );
    assert_eq!(alone("chk-9").0, "live");
    // Only chk-4 to chk-7 name shared files 4 to 7; 8 is named by chk-8, which stays.
    let later = report["savings"]["later"]["bytes"].as_u64().unwrap();
    assert_eq!(later, (4 + 5 + 6 + 7) << 20);
}

#[test]
fn it_says_what_is_in_the_way() {
    let page = World::new().unreadable().page(&["--stopped", "all"]);
    assert!(page.contains("In the way"), "{page}");
    assert!(page.contains("unreadable-snapshot"), "{page}");
    assert!(
        !World::new()
            .page(&["--stopped", "all"])
            .contains("In the way")
    );
}

#[test]
fn it_stays_small_however_much_is_stored() {
    let world = World::new();
    for number in 0..150 {
        let job = format!("{number:032x}");
        for id in 0..40 {
            world.checkpoint(&job, id, &[]);
        }
        world.sparse(&job, &format!("shared/{HOSTILE}{}", "<".repeat(200)), 1);
    }
    let page = world.page(&["--stopped", "all", "--keep-last", "2"]);
    assert!(page.len() < 4_000_000, "{} bytes", page.len());
    for said in [
        "And 53 smaller jobs.",
        "And 10 older snapshots.",
        "smaller files.",
    ] {
        assert!(page.contains(said), "{said}");
    }
}

/// Read by a person: `tests/fixtures/report.html`, made of `report.json` beside it.
#[test]
fn the_same_contents_give_the_same_page() {
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let page = made(&["--from", fixtures.join("report.json").to_str().unwrap()]);
    let golden = std::fs::read_to_string(fixtures.join("report.html")).unwrap();
    assert!(
        page == golden,
        "the page has changed; look at it, then: flink-retention report --from tests/fixtures/report.json --html tests/fixtures/report.html"
    );
}

#[test]
fn shells_complete_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let script = said(&report::flink_retention(&["completions", shell]));
        for word in ["report", "kube", "approve", "html"] {
            assert!(script.contains(word), "{word} for {shell}");
        }
    }
}
