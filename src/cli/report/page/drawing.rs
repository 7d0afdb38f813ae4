//! Bars and time lines as SVG within the page: shapes have classes, never styles of their own.

use jiff::Timestamp;
use maud::{Markup, html};

use super::super::contents::{Classes, Fate, Snapshot};
use super::super::people::{time, word};
use crate::cli::output::size;

/// One bar of the bytes by class.
pub(super) fn bar(classes: &Classes) -> Markup {
    let all = classes.all().bytes;
    let mut from = 0.0;
    let parts = classes.named().map(|(word, amount)| {
        let width = 1000.0 * share(amount.bytes, all);
        let part = (word, from, width);
        from += width;
        part
    });
    html! {
        svg.bar viewBox="0 0 1000 20" preserveAspectRatio="none" role="img" aria-label=(said(classes)) {
            @for (word, from, width) in parts {
                @if width > 0.0 {
                    rect class=(word) x=(number(from)) y="0" width=(number(width)) height="20" {}
                }
            }
        }
    }
}

/// What the colours of a bar mean, with their numbers.
pub(super) fn legend(classes: &Classes) -> Markup {
    html! {
        figcaption {
            @for (word, amount) in classes.named() {
                span.key { (box_of(word)) (word) " " strong { (size(amount.bytes)) } }
            }
        }
    }
}

pub(super) fn swatch(fate: Fate) -> Markup {
    box_of(class(fate))
}

fn box_of(class: &str) -> Markup {
    html! { svg.swatch viewBox="0 0 10 10" aria-hidden="true" { rect class=(class) width="10" height="10" {} } }
}

fn said(classes: &Classes) -> String {
    let parts = classes
        .named()
        .map(|(word, amount)| format!("{word} {}", size(amount.bytes)));
    parts.join(", ")
}

const LEFT: f64 = 40.0;
const WIDTH: f64 = 920.0;
const GROUND: f64 = 130.0;
const TALLEST: f64 = 95.0;
/// So that what holds nothing of its own is seen, too.
const SHORTEST: f64 = 6.0;
/// Between two names that can be read.
const APART: f64 = 90.0;

/// Each snapshot at its time, as high as the bytes that it alone holds.
pub(super) fn time_line(snapshots: &[Snapshot]) -> Markup {
    let mut dated: Vec<(Timestamp, &Snapshot)> = snapshots
        .iter()
        .filter_map(|snapshot| Some((snapshot.completed?, snapshot)))
        .collect();
    dated.sort_by_key(|&(time, snapshot)| (time, &snapshot.path));
    let (Some(&(first, _)), Some(&(last, _))) = (dated.first(), dated.last()) else {
        return html! {};
    };
    let most = dated.iter().map(|(_, snapshot)| snapshot.alone.bytes).max();
    let most = most.unwrap_or_default();
    let at = |time: Timestamp| {
        let span = last.as_second().abs_diff(first.as_second());
        let since = time.as_second().abs_diff(first.as_second());
        LEFT + WIDTH * if span == 0 { 0.5 } else { share(since, span) }
    };
    // The newest has its name first.
    let mut named = f64::INFINITY;
    let mut drawn: Vec<Markup> = dated
        .iter()
        .rev()
        .map(|&(time, snapshot)| {
            let x = at(time);
            let height = SHORTEST + (TALLEST - SHORTEST) * share(snapshot.alone.bytes, most);
            let has_name = named - x >= APART;
            if has_name {
                named = x;
            }
            mark(snapshot, x, GROUND - height, has_name)
        })
        .collect();
    drawn.reverse();
    html! {
        figure.scrolls {
            svg.line viewBox="0 0 1000 170" role="img" aria-label="Snapshots by the time of their completion" {
                line class="axis" x1=(LEFT) y1=(GROUND) x2=(LEFT + WIDTH) y2=(GROUND) {}
                @for mark in &drawn { (mark) }
                @if first == last {
                    text x="500" y="160" text-anchor="middle" { (time(Some(first))) }
                } @else {
                    text x="0" y="160" { (time(Some(first))) }
                    text x="1000" y="160" text-anchor="end" { (time(Some(last))) }
                }
            }
        }
        p.quiet {
            "Height: bytes that no other snapshot names, at most " (size(most))
            ". Circle: checkpoint; diamond: savepoint; hollow: goes."
        }
    }
}

fn mark(snapshot: &Snapshot, x: f64, y: f64, has_name: bool) -> Markup {
    let class = class(snapshot.fate);
    let hollow = if snapshot.fate == Fate::Expires {
        "hollow"
    } else {
        "full"
    };
    let is_savepoint = snapshot.kind == "savepoint";
    let (left, right, top, bottom) = (x - 8.0, x + 8.0, y - 8.0, y + 8.0);
    let diamond = [(x, top), (right, y), (x, bottom), (left, y)]
        .map(|(x, y)| format!("{},{}", number(x), number(y)))
        .join(" ");
    html! {
        g class={ (class) " " (hollow) } {
            title {
                (snapshot.name) ": " (word(snapshot.fate)) ", " (snapshot.because) "; holds "
                (size(snapshot.holds.bytes)) ", alone " (size(snapshot.alone.bytes)) "; "
                (time(snapshot.completed))
            }
            line x1=(number(x)) y1=(number(GROUND)) x2=(number(x)) y2=(number(y)) {}
            @if is_savepoint {
                polygon points=(diamond) {}
            } @else {
                circle cx=(number(x)) cy=(number(y)) r="6" {}
            }
            @if has_name {
                text x=(number(x)) y=(number(y - 14.0)) text-anchor="middle" { (short(&snapshot.name)) }
            }
        }
    }
}

/// The end of a long name, which tells savepoints apart.
fn short(name: &str) -> String {
    let length = name.chars().count();
    if length <= 14 {
        return name.to_owned();
    }
    let tail: String = name.chars().skip(length - 12).collect();
    format!("…{tail}")
}

fn class(fate: Fate) -> &'static str {
    match fate {
        Fate::Live => "live",
        Fate::Retained => "retained",
        Fate::Protected => "protected",
        Fate::Expires => "orphaned",
    }
}

/// A part of the whole, from 0 to 1.
#[allow(
    clippy::cast_precision_loss,
    reason = "nobody sees a bit of a terabyte in a drawing"
)]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

fn number(value: f64) -> String {
    format!("{value:.1}")
}
