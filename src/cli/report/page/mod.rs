//! The report as one page of HTML: no scripts, nothing to fetch. Whatever comes from storage is text of a stranger, and
//! `maud` escapes it.

mod drawing;
mod job;
mod tables;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::contents::{Contents, Top};
use super::people::time;
use crate::cli::output::{count, size};

const STYLE: &str = include_str!("page.css");

/// The whole document. The same contents give the same bytes.
pub(super) fn page(contents: &Contents) -> String {
    let savings = &contents.savings;
    let title = format!(
        "Flink state: {}, {} reclaimable",
        size(contents.total.all().bytes),
        size(savings.reclaimable.bytes)
    );
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(content_security());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { "Flink state" }
                    (sums(contents))
                    p.quiet {
                        "By a dry run at " (time(Some(contents.made))) " in "
                        @for (position, directory) in contents.directories.iter().enumerate() {
                            @if position > 0 { ", " }
                            code { (directory) }
                        }
                        ". Nothing was changed."
                    }
                }
                main {
                    (tables::problems(&contents.problems))
                    section {
                        h2 { "Storage by job" }
                        figure { (drawing::bar(&contents.total)) (drawing::legend(&contents.total)) }
                        (tables::jobs(&contents.jobs))
                    }
                    (tables::orphans(contents))
                    (tables::guards(&contents.guards))
                    @for (position, job) in contents.jobs.first.iter().enumerate() {
                        (job::section(position, job))
                    }
                    (more(&contents.jobs, "smaller job", "smaller jobs"))
                }
                footer { p.quiet { "flink-retention report, format " (contents.format_version) } }
            }
        }
    }
    .into_string()
}

/// Nothing is fetched or run, and of styles only ours apply.
fn content_security() -> String {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    format!("default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'")
}

fn sums(contents: &Contents) -> Markup {
    let savings = &contents.savings;
    let sums = [
        ("reclaimable", savings.reclaimable),
        ("of it, may go now", savings.ripe),
        ("more, once snapshots have expired", savings.later),
        ("stored", contents.total.all()),
    ];
    html! {
        dl.sums {
            @for (word, amount) in sums {
                div {
                    dt { (word) }
                    dd { (size(amount.bytes)) small { (count(amount.files, "file", "files")) } }
                }
            }
        }
    }
}

/// What is not shown.
fn more<T>(top: &Top<T>, one: &str, many: &str) -> Markup {
    html! {
        @if top.more > 0 {
            p.quiet { "And " (count(top.more, one, many)) "." }
        }
    }
}
