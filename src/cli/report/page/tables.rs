//! Tables of the page. On a phone each row is a card, and each cell says what it is.

use std::cmp::Reverse;

use maud::{Markup, html};

use super::super::contents::{Amount, Contents, Guarded, Job, Problem, Top};
use super::super::people::time;
use super::{drawing, more};
use crate::cli::output::size;

pub(super) fn jobs(jobs: &Top<Job>) -> Markup {
    html! {
        table {
            thead { tr {
                th { "job" } th { "share" }
                th.n { "live" } th.n { "retained" } th.n { "protected" } th.n { "orphaned" }
                th.n { "may go now" } th.n { "later" }
            } }
            tbody {
                @for (position, job) in jobs.first.iter().enumerate() {
                    tr {
                        td data-is="job" { a href={ "#job-" (position) } { (job.name) } }
                        td.share data-is="share" { (drawing::bar(&job.total)) }
                        @for (word, amount) in job.total.named() {
                            (bytes(word, amount))
                        }
                        (bytes("may go now", job.savings.ripe))
                        (bytes("later", job.savings.later))
                    }
                }
            }
        }
        (more(jobs, "smaller job", "smaller jobs"))
    }
}

pub(super) fn orphans(contents: &Contents) -> Markup {
    let Top { first, more: _ } = &contents.orphans;
    html! {
        section {
            h2 { "Superfluous files" }
            @if first.is_empty() {
                p { "No file is superfluous." }
            } @else {
                table.narrow {
                    thead { tr { th { "because" } th.n { "files" } th.n { "bytes" } } }
                    tbody {
                        @for (reason, amount) in by_bytes(contents) {
                            tr {
                                td data-is="because" { (reason) }
                                td.n data-is="files" { (amount.files) }
                                (bytes("bytes", amount))
                            }
                        }
                    }
                }
                table {
                    thead { tr {
                        th { "file" } th.n { "bytes" } th { "modified" } th { "because" } th { "goes" }
                    } }
                    tbody {
                        @for orphan in first {
                            tr {
                                td.path data-is="file" { code { (orphan.path) } }
                                td.n data-is="bytes" { (size(orphan.bytes)) }
                                td.t data-is="modified" { (time(orphan.modified)) }
                                td data-is="because" { (orphan.reason) }
                                td data-is="goes" { (orphan.goes) }
                            }
                        }
                    }
                }
                (more(&contents.orphans, "smaller file", "smaller files"))
            }
        }
    }
}

fn by_bytes(contents: &Contents) -> Vec<(&str, Amount)> {
    let reasons = contents.orphans_by_reason.iter();
    let mut reasons: Vec<_> = reasons
        .map(|(reason, amount)| (reason.as_str(), *amount))
        .collect();
    reasons.sort_by_key(|(_, amount)| Reverse(amount.bytes));
    reasons
}

pub(super) fn guards(guards: &[Guarded]) -> Markup {
    html! {
        @if !guards.is_empty() {
            section {
                h2 { "Kept by guards" }
                p.quiet { "No snapshot names these files. They stay because something may need them, or cannot be known." }
                table {
                    thead { tr { th { "guard" } th.n { "files" } th.n { "bytes" } th { "for example" } } }
                    tbody {
                        @for Guarded { guard, amount, example, why } in guards {
                            tr {
                                td data-is="guard" { code { (guard) } }
                                td.n data-is="files" { (amount.files) }
                                (bytes("bytes", *amount))
                                td.path data-is="for example" { (why) br; code.quiet { (example) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn problems(problems: &Top<Problem>) -> Markup {
    html! {
        @if !problems.first.is_empty() {
            section.problems {
                h2 { "In the way" }
                p.quiet { "What could not be read protects all that it may need." }
                ul {
                    @for Problem { what, why } in &problems.first {
                        li { code { (what) } ": " (why) }
                    }
                }
                (more(problems, "such place", "such places"))
            }
        }
    }
}

pub(super) fn bytes(word: &str, amount: Amount) -> Markup {
    html! {
        td.n data-is=(word) {
            @if amount.files == 0 { span.quiet { "–" } } @else { (size(amount.bytes)) }
        }
    }
}
