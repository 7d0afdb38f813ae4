//! What the reader sees. Bold and colour only on a terminal.

use std::io::{self, IsTerminal, Write};
use std::time::Instant;

const BOLD: &str = "1";
const GREEN: &str = "32";
const DIM: &str = "2";
/// Where sentences are broken.
const WIDTH: usize = 100;

#[derive(Debug)]
pub(crate) struct Screen {
    out: io::Stdout,
    styled: bool,
    begun: Instant,
    chapter: usize,
}

impl Screen {
    pub(crate) fn new() -> Self {
        let out = io::stdout();
        Self {
            styled: out.is_terminal() && std::env::var_os("NO_COLOR").is_none(),
            out,
            begun: Instant::now(),
            chapter: 0,
        }
    }

    pub(crate) fn chapter(&mut self, title: &str) -> io::Result<()> {
        self.chapter += 1;
        let seconds = format!("{:.0} s", self.begun.elapsed().as_secs_f32());
        let title = format!("{}. {title}", self.chapter);
        let line = "─".repeat(WIDTH.saturating_sub(title.chars().count() + seconds.len() + 3));
        let (title, rest) = (
            self.style(BOLD, &title),
            self.style(DIM, &format!("{line} {seconds}")),
        );
        self.print(&format!("\n{title} {rest}"))
    }

    /// A sentence of ours.
    pub(crate) fn say(&self, text: &str) -> io::Result<()> {
        self.print(&wrapped(text))
    }

    pub(crate) fn command(&self, line: &str) -> io::Result<()> {
        self.print(&format!("\n{}", self.style(GREEN, &format!("$ {line}"))))
    }

    /// What a command printed, or the content of a file.
    pub(crate) fn output(&self, text: &str) -> io::Result<()> {
        match text.trim_end() {
            "" => Ok(()),
            text => self.print(text),
        }
    }

    pub(crate) fn gap(&self) -> io::Result<()> {
        self.print("")
    }

    fn print(&self, text: &str) -> io::Result<()> {
        let mut out = self.out.lock();
        writeln!(out, "{text}")?;
        out.flush()
    }

    fn style(&self, code: &str, text: &str) -> String {
        if self.styled {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let full = lines
            .last()
            .is_some_and(|line| line.chars().count() + 1 + word.chars().count() > WIDTH);
        if full {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}

/// `17.7 MB`, as storage is sold.
pub(crate) fn size(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1_000_000 => (1_000, "kB"),
        _ => (1_000_000, "MB"),
    };
    let tenths = (bytes * 10 + unit / 2) / unit;
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded() {
        assert_eq!(
            [0, 116_067, 17_725_586].map(size),
            ["0.0 kB", "116.1 kB", "17.7 MB"]
        );
    }

    #[test]
    fn sentences_fit_the_screen() {
        let text = wrapped(&"word ".repeat(60));
        assert!(text.lines().all(|line| line.len() <= WIDTH) && text.lines().count() == 3);
    }
}
