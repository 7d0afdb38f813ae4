//! Prometheus' text format, for families whose series are made anew at every scrape.

pub(super) type Labels<'a> = Vec<(&'static str, &'a str)>;

/// Adds a family of gauges. One without series is left out: it would not be valid text.
pub(super) fn family<'a>(
    text: &mut String,
    name: &str,
    help: &str,
    series: impl Iterator<Item = (Labels<'a>, f64)>,
) {
    for (position, (labels, value)) in series.enumerate() {
        if position == 0 {
            text.extend(["# HELP ", name, " ", help, "\n# TYPE ", name, " gauge\n"]);
        }
        text.extend([name, "{"]);
        for (position, (label, value)) in labels.into_iter().enumerate() {
            text.push_str(if position == 0 { "" } else { "," });
            text.extend([label, "=\""]);
            for c in value.chars() {
                escape(c, text);
            }
            text.push('"');
        }
        text.extend(["} ", &value.to_string(), "\n"]);
    }
}

fn escape(c: char, text: &mut String) {
    match c {
        '\\' => text.push_str("\\\\"),
        '"' => text.push_str("\\\""),
        '\n' => text.push_str("\\n"),
        c => text.push(c),
    }
}
