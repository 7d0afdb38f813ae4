//! One job: its directories over the lineage, its snapshots on a time line.

use maud::{Markup, html};

use super::super::contents::{Job, Snapshot, Top};
use super::super::people::{time, word};
use super::tables::bytes;
use super::{drawing, more};
use crate::cli::output::{count, size};

pub(super) fn section(position: usize, job: &Job) -> Markup {
    html! {
        section.job id={ "job-" (position) } {
            h2 { (job.name) }
            figure { (drawing::bar(&job.total)) (drawing::legend(&job.total)) }
            (directories(job))
            (snapshots(&job.snapshots))
        }
    }
}

fn directories(job: &Job) -> Markup {
    html! {
        table {
            thead { tr {
                th { "directory" } th { "class" }
                th.n { "live" } th.n { "retained" } th.n { "protected" } th.n { "orphaned" }
            } }
            tbody {
                @for directory in &job.directories.first {
                    tr {
                        td.path data-is="directory" {
                            code { (directory.path) }
                            @for (guard, amount) in &directory.guards {
                                br;
                                span.quiet {
                                    "guard " (guard) ": " (count(amount.files, "file", "files"))
                                    ", " (size(amount.bytes))
                                }
                            }
                        }
                        td data-is="class" { (directory.class) br; span.quiet { (directory.why) } }
                        @for (word, amount) in directory.total.named() {
                            (bytes(word, amount))
                        }
                    }
                }
            }
        }
        (more(&job.directories, "smaller directory", "smaller directories"))
    }
}

fn snapshots(snapshots: &Top<Snapshot>) -> Markup {
    html! {
        @if snapshots.first.is_empty() {
            p { "There is no snapshot of it." }
        } @else {
            (drawing::time_line(&snapshots.first))
            table {
                thead { tr {
                    th { "snapshot" } th { "completed" } th { "state" } th { "fate" } th { "because" }
                    th.n { "holds" } th.n { "it alone" }
                } }
                tbody {
                    @for snapshot in &snapshots.first {
                        tr {
                            td.path data-is="snapshot" { code title=(snapshot.path) { (snapshot.name) } }
                            td.t data-is="completed" { (time(snapshot.completed)) }
                            td data-is="state" { (snapshot.state) }
                            td data-is="fate" { (drawing::swatch(snapshot.fate)) (word(snapshot.fate)) }
                            td data-is="because" { (snapshot.because) }
                            (bytes("holds", snapshot.holds))
                            (bytes("it alone", snapshot.alone))
                        }
                    }
                }
            }
            (more(snapshots, "older snapshot", "older snapshots"))
        }
    }
}
