//! The text of a scenario: what it is about, what may go, and the steps with what is expected after them.

use std::path::Path;

#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) title: String,
    /// Files that must be gone in the end.
    pub(crate) goes: Vec<String>,
    /// Files that may be deleted, though nothing says that they are.
    pub(crate) may_go: Vec<String>,
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug)]
pub(crate) struct Step {
    /// Lines before the step that are none: comments and empty lines.
    pub(crate) before: Vec<String>,
    pub(crate) text: String,
    /// Indented lines below it: a manifest.
    pub(crate) block: Vec<String>,
    /// Lines below it that begin with a bar, without the bar.
    pub(crate) expected: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct File {
    pub(crate) header: Vec<String>,
    pub(crate) script: Script,
    /// After the last step.
    pub(crate) trailer: Vec<String>,
}

impl File {
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, String> {
        let at = |line: usize, what: &str| format!("{}:{}: {what}", path.display(), line + 1);
        let mut lines = text.lines().enumerate().peekable();
        let mut header = Vec::new();
        let mut script = Script {
            title: String::new(),
            goes: Vec::new(),
            may_go: Vec::new(),
            steps: Vec::new(),
        };
        while let Some((number, line)) = lines.next_if(|(_, line)| !line.is_empty()) {
            header.push(line.to_owned());
            let words = |text: &str| {
                text.split_whitespace()
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            };
            if number == 0 {
                line.clone_into(&mut script.title);
            } else if let Some(paths) = line.strip_prefix("goes:") {
                script.goes.extend(words(paths));
            } else if let Some(paths) = line.strip_prefix("may go:") {
                script.may_go.extend(words(paths));
            } else if !line.starts_with("why: ") && !line.starts_with("     ") {
                return Err(at(number, "the head has `why:`, `goes:` and `may go:`"));
            }
        }
        if !header.iter().any(|line| line.starts_with("why: ")) {
            return Err(at(0, "the head has no `why:`"));
        }
        let mut before = Vec::new();
        for (number, line) in lines {
            if line.is_empty() || line.starts_with('#') {
                before.push(line.to_owned());
            } else if let Some(expected) = line.strip_prefix("  |") {
                let step = script.steps.last_mut();
                let step = step.ok_or_else(|| at(number, "nothing precedes this expectation"))?;
                step.expected
                    .push(expected.strip_prefix(' ').unwrap_or(expected).to_owned());
            } else if let Some(inner) = line.strip_prefix("    ") {
                let step = script.steps.last_mut();
                let step = step.ok_or_else(|| at(number, "nothing precedes this block"))?;
                step.block.push(inner.to_owned());
            } else if line.starts_with(' ') {
                return Err(at(number, "indent a manifest by four blanks"));
            } else {
                script.steps.push(Step {
                    before: std::mem::take(&mut before),
                    text: line.to_owned(),
                    block: Vec::new(),
                    expected: Vec::new(),
                });
            }
        }
        Ok(Self {
            header,
            script,
            trailer: before,
        })
    }

    /// The text with what really came out.
    pub(crate) fn with_results(&self, results: &[Vec<String>]) -> String {
        let mut lines: Vec<String> = self.header.clone();
        for (step, result) in self.script.steps.iter().zip(results) {
            lines.extend(step.before.iter().cloned());
            lines.push(step.text.clone());
            lines.extend(
                step.block
                    .iter()
                    .map(|line| format!("    {line}").trim_end().to_owned()),
            );
            lines.extend(
                result
                    .iter()
                    .map(|line| format!("  | {line}").trim_end().to_owned()),
            );
        }
        lines.extend(self.trailer.iter().cloned());
        lines.join("\n") + "\n"
    }
}
