//! The book has every page, and the pages have everything.

use std::collections::BTreeSet;
use std::fs;

use flink_retention::api::Reason;
use flink_retention::api::names::{KEEP_ANNOTATION, POLICY_LABEL, SUSPEND_ANNOTATION};

use super::pages::{Page, pages, repository};

const SUMMARY: &str = "docs/SUMMARY.md";

#[test]
fn every_page_is_in_the_book_once() {
    let summary = fs::read_to_string(repository().join(SUMMARY)).unwrap();
    let entries: Vec<&str> = summary
        .split("](")
        .skip(1)
        .map(|rest| rest.split_once(')').unwrap().0)
        // A heading of chapters has no page.
        .filter(|entry| !entry.is_empty())
        .collect();
    let listed: BTreeSet<&str> = entries.iter().copied().collect();
    assert_eq!(
        listed.len(),
        entries.len(),
        "a page is listed twice: {entries:?}"
    );
    let pages = pages();
    let written: BTreeSet<&str> = pages
        .iter()
        .filter(|page| page.path != SUMMARY)
        .filter_map(|page| page.path.strip_prefix("docs/"))
        .collect();
    let missing: Vec<&&str> = written.difference(&listed).collect();
    assert!(missing.is_empty(), "{SUMMARY} does not list {missing:?}");
    let gone: Vec<&&str> = listed.difference(&written).collect();
    assert!(
        gone.is_empty(),
        "{SUMMARY} lists {gone:?}, which is not there"
    );
}

#[test]
fn every_page_has_one_title() {
    for page in pages().iter().filter(|page| page.path.starts_with("docs/")) {
        let lines = page.prose();
        let titles = lines.iter().filter(|(_, line)| line.starts_with("# "));
        // A summary has one for each part.
        assert!(titles.count() == 1 || page.path == SUMMARY, "{}", page.path);
    }
}

#[test]
fn every_label_and_annotation_is_told() {
    let text = fs::read_to_string(repository().join("docs/operations.md")).unwrap();
    for name in [POLICY_LABEL, KEEP_ANNOTATION, SUSPEND_ANNOTATION] {
        assert!(
            text.contains(&format!("`{name}`")),
            "docs/operations.md does not say what {name} does"
        );
    }
}

#[test]
fn every_reason_says_what_it_means_and_what_to_do() {
    let pages = pages();
    let page = |page: &&Page| page.path == "docs/troubleshooting.md";
    let text = &pages.iter().find(page).unwrap().text;
    let sections: Vec<(&str, &str)> = text
        .split("\n### ")
        .skip(1)
        .map(|section| section.split_once('\n').unwrap())
        .collect();
    let written: Vec<&str> = sections.iter().map(|(heading, _)| *heading).collect();
    for reason in Reason::ALL {
        let times = written
            .iter()
            .filter(|word| **word == reason.as_str())
            .count();
        assert_eq!(
            times, 1,
            "docs/troubleshooting.md needs one section `### {reason}`"
        );
    }
    assert_eq!(
        written.len(),
        Reason::ALL.len(),
        "a section is of no reason: {written:?}"
    );
    for (heading, section) in sections {
        for part in ["\n**Means:** ", "\n**What to do:** "] {
            assert!(section.contains(part), "{heading} does not say {part:?}");
        }
    }
}
