use std::fmt::Write;

use crate::scale::Scale;
use crate::series::{Point, Series};

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 62.0;
/// Room for the labels at the ends of the lines.
const RIGHT: f64 = WIDTH - 190.0;
const TOP: f64 = 54.0;
const BOTTOM: f64 = HEIGHT - 62.0;
const MEGABYTE: f64 = 1e6;
const MINUTE: f64 = 60.0;

/// Its own background, so that it can be read on any page; colours follow the reader's preference.
const STYLE: &str = "\
    .page { fill: #ffffff; stroke: #d0d7de }
    text { fill: #1f2328; font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif }
    .title { font-size: 15px; font-weight: 600 }
    .axis { fill: #59636e }
    .grid { stroke: #d0d7de; stroke-width: 1 }
    .kill { stroke: #9aa4ae; stroke-width: 1; stroke-dasharray: 2 3 }
    .line { fill: none; stroke-width: 2.5; stroke-linejoin: round }
    .without { stroke: #c93c20 } text.without { fill: #c93c20; stroke: none; font-weight: 600 }
    .with { stroke: #0a69b7 } text.with { fill: #0a69b7; stroke: none; font-weight: 600 }
    .named { stroke: #59636e; stroke-width: 1.5; stroke-dasharray: 5 3 } text.named { fill: #59636e; stroke: none }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117; stroke: #3d444d }
      text { fill: #f0f6fc }
      .axis { fill: #9198a1 }
      .grid { stroke: #2a313c }
      .kill { stroke: #656c76 }
      .without { stroke: #ff8a70 } text.without { fill: #ff8a70 }
      .with { stroke: #58a6ff } text.with { fill: #58a6ff }
      .named { stroke: #9198a1 } text.named { fill: #9198a1 }
    }";

/// One line for each of the three columns, a dotted one for each kill.
pub(crate) fn draw(series: &Series) -> String {
    let most = |value: fn(&Point) -> f64| series.points.iter().map(value).fold(0.0, f64::max);
    let time = Scale::exact(most(|point| point.second) / MINUTE, LEFT, RIGHT);
    let size = Scale::to_a_mark(most(|point| point.without) / MEGABYTE, BOTTOM, TOP);
    let mut svg = Svg::default();
    svg.open(&description(series));
    svg.axes(&time, &size, series.kills.len());
    for kill in &series.kills {
        let x = time.place(kill / MINUTE);
        svg.rule("kill", (x, TOP), (x, BOTTOM));
    }
    // What is drawn last is on top.
    svg.curve(
        "named",
        "named by a checkpoint",
        series,
        &time,
        &size,
        |point| point.named,
    );
    svg.curve(
        "without",
        "without the operator",
        series,
        &time,
        &size,
        |point| point.without,
    );
    svg.curve("with", "with the operator", series, &time, &size, |point| {
        point.with
    });
    svg.0.push_str("</svg>\n");
    svg.0
}

fn description(series: &Series) -> String {
    let last = series
        .points
        .last()
        .map_or((0.0, 0.0), |point| (point.without, point.with));
    format!(
        "Bytes of one Flink job on storage while its JobManager is killed {} times: at the end {:.0} MB without the operator, {:.0} MB with it.",
        series.kills.len(),
        last.0 / MEGABYTE,
        last.1 / MEGABYTE
    )
}

#[derive(Default)]
struct Svg(String);

impl Svg {
    fn open(&mut self, description: &str) {
        self.add(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{description}\">\n  <title>{description}</title>\n  <style>\n{STYLE}\n  </style>\n  <rect class=\"page\" x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"6\"/>\n",
            WIDTH - 1.0,
            HEIGHT - 1.0
        ));
    }

    fn axes(&mut self, time: &Scale, size: &Scale, kills: usize) {
        let title = format!("One job on storage, its JobManager killed {kills} times");
        self.text("title", (LEFT, 28.0), "start", &title);
        for mark in size.marks() {
            let y = size.place(mark);
            self.rule("grid", (LEFT, y), (RIGHT, y));
            self.text("axis", (LEFT - 8.0, y + 4.0), "end", &format!("{mark}"));
        }
        self.text("axis", (LEFT - 8.0, TOP - 14.0), "end", "MB");
        for mark in time.marks() {
            self.text(
                "axis",
                (time.place(mark), BOTTOM + 20.0),
                "middle",
                &format!("{mark}"),
            );
        }
        let middle = f64::midpoint(LEFT, RIGHT);
        let label = "minutes; dotted: the JobManager is killed";
        self.text("axis", (middle, BOTTOM + 42.0), "middle", label);
    }

    fn curve(
        &mut self,
        class: &str,
        label: &str,
        series: &Series,
        time: &Scale,
        size: &Scale,
        value: fn(&Point) -> f64,
    ) {
        let place = |point: &Point| {
            (
                time.place(point.second / MINUTE),
                size.place(value(point) / MEGABYTE),
            )
        };
        let points: Vec<String> = series
            .points
            .iter()
            .map(place)
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect();
        self.add(format_args!(
            "  <polyline class=\"line {class}\" points=\"{}\"/>\n",
            points.join(" ")
        ));
        if let Some((x, y)) = series.points.last().map(place) {
            // It ends where the line of the operator does, or close to it.
            let y = if class == "named" { y + 17.0 } else { y };
            self.text(class, (x + 8.0, y + 4.0), "start", label);
        }
    }

    fn rule(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        self.add(format_args!(
            "  <line class=\"{class}\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>\n",
            from.0, from.1, to.0, to.1
        ));
    }

    fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: &str, text: &str) {
        self.add(format_args!(
            "  <text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>\n"
        ));
    }

    fn add(&mut self, part: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.0.write_fmt(part);
    }
}
