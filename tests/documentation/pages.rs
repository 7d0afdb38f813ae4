//! The Markdown files of the repository.

use std::fs;
use std::path::{Path, PathBuf};

/// Where there may be pages: what is built, and what others wrote, is elsewhere.
const FOLDERS: [&str; 5] = ["docs", "charts", "crates", "tests", "examples"];

/// One Markdown file.
#[derive(Debug)]
pub(crate) struct Page {
    /// From the root of the repository.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// A block between fences.
#[derive(Debug)]
pub(crate) struct Fence {
    pub(crate) language: String,
    /// The line of its fence.
    pub(crate) line: usize,
    pub(crate) text: String,
}

pub(crate) fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn pages() -> Vec<Page> {
    let root = repository();
    let mut files: Vec<PathBuf> = fs::read_dir(&root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    for folder in FOLDERS {
        find(&root.join(folder), &mut files);
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "md"));
    files.sort();
    assert!(files.len() > 40, "{files:?}");
    files
        .into_iter()
        .map(|file| Page {
            path: file
                .strip_prefix(&root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned(),
            text: fs::read_to_string(file).unwrap(),
        })
        .collect()
}

fn find(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // What a build of theirs leaves behind.
            if !path.ends_with("target") && !path.ends_with("node_modules") {
                find(&path, files);
            }
        } else {
            files.push(path);
        }
    }
}

impl Page {
    /// Its fenced blocks.
    pub(crate) fn fences(&self) -> Vec<Fence> {
        let mut fences: Vec<Fence> = Vec::new();
        let mut inside = false;
        for (number, line) in self.text.lines().enumerate() {
            match (line.trim_start().strip_prefix("```"), inside) {
                (Some(language), false) => {
                    let (language, line) = (language.trim().to_owned(), number + 1);
                    fences.push(Fence {
                        language,
                        line,
                        text: String::new(),
                    });
                    inside = true;
                }
                (Some(_), true) => inside = false,
                (None, true) => {
                    let fence = fences.last_mut().unwrap();
                    fence.text.push_str(line);
                    fence.text.push('\n');
                }
                (None, false) => {}
            }
        }
        assert!(!inside, "{}: a fence that does not end", self.path);
        fences
    }

    /// Its lines outside of fences, each with its number.
    pub(crate) fn prose(&self) -> Vec<(usize, &str)> {
        let mut inside = false;
        let lines = self.text.lines().enumerate();
        lines
            .filter(|(_, line)| {
                let fence = line.trim_start().starts_with("```");
                inside ^= fence;
                !inside && !fence
            })
            .map(|(number, line)| (number + 1, line))
            .collect()
    }

    /// Words between backticks, outside of fences; one may go on in the next line.
    pub(crate) fn code_spans(&self) -> Vec<String> {
        let lines: Vec<&str> = self.prose().into_iter().map(|(_, line)| line).collect();
        let paragraphs = lines.join("\n");
        let paragraphs = paragraphs.split("\n\n");
        paragraphs
            .flat_map(|paragraph| paragraph.split('`').skip(1).step_by(2))
            .map(|span| span.replace('\n', " "))
            .collect()
    }

    /// What a link to a heading of this page may say: as GitHub and mdBook make it.
    pub(crate) fn anchors(&self) -> Vec<String> {
        let headings = self.prose();
        let headings = headings.iter().filter_map(|(_, line)| {
            let text = line.trim_start_matches('#');
            (text.len() < line.len()).then_some(text.strip_prefix(' ')?)
        });
        let mut anchors: Vec<String> = Vec::new();
        for heading in headings {
            let letters = heading.trim().chars().filter_map(|c| match c {
                ' ' => Some('-'),
                c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
                _ => None,
            });
            let anchor = letters.collect::<String>().to_lowercase();
            let same = anchors.iter().filter(|known| **known == anchor).count();
            anchors.push(if same == 0 {
                anchor
            } else {
                format!("{anchor}-{same}")
            });
        }
        anchors
    }
}

#[test]
fn fences_headings_and_code_are_told_apart() {
    let page = Page {
        path: "a.md".to_owned(),
        text: "# One `a-b` (c)\ntext `code\ngoes on`\n```sh\n# no heading\n```\n## Two\n## Two\n"
            .to_owned(),
    };
    assert_eq!(page.anchors(), ["one-a-b-c", "two", "two-1"]);
    assert_eq!(page.fences()[0].text, "# no heading\n");
    assert_eq!(page.code_spans(), ["a-b", "code goes on"]);
}
