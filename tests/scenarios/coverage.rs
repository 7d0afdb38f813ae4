//! What must be told by some scenario or test, and is: every number of the life cycle, every hole, root, owner class,
//! kind of file and rule, every guard, and every promise of `docs/safety.md`. A test that is named somewhere must exist.

use libtest_mimic::{Failed, Trial};
use retention::guard::Guard;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const LAST_NUMBER: u32 = 78;
/// The numbered parts of the specification beside the scenarios, and how many of each there are.
const SUBJECTS: [(&str, u32); 6] = [
    ("H", 9),
    ("R", 15),
    ("C", 5),
    ("F", 13),
    ("rule-", 20),
    ("E", 8),
];
/// Those whose tests have the number in their names.
const IN_NAMES: [&str; 2] = ["H", "R"];
const PROMISES: [&str; 8] = ["P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8"];

/// Looked at before any scenario is played, for `UPDATE_SCENARIOS` writes into the files.
pub(crate) fn trials(files: &[PathBuf]) -> Vec<Trial> {
    let trial = |name: &str, problems: Vec<String>| Trial::test(name, move || fail(&problems));
    vec![
        trial("every-number-of-the-life-cycle-is-told", numbers(files)),
        trial(
            "every-hole-root-and-rule-has-its-test",
            subjects(&exceptions()),
        ),
        trial("a-missing-test-is-noticed", missing_is_noticed()),
        trial("every-guard-is-shown-alone", guards(files)),
        trial("every-promise-and-guard-has-its-proof", safety()),
    ]
}

fn fail(problems: &[String]) -> Result<(), Failed> {
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems.join("\n").into())
    }
}

/// One file `lc-NN-…` for each number whose title begins with it, or a line of `coverage.txt`.
fn numbers(files: &[PathBuf]) -> Vec<String> {
    let mut problems = strays();
    let mut told = BTreeSet::new();
    for file in files {
        let name = stem(file);
        let title = head(file).lines().next().unwrap_or_default().to_owned();
        let Some(number) = name.strip_prefix("lc-") else {
            if !name.starts_with("guard-") {
                problems.push(format!("{name}: name it lc-NN-… or guard-NAME"));
            }
            continue;
        };
        let number: Option<u32> = number.get(..2).and_then(|digits| digits.parse().ok());
        match number {
            Some(number) if title.starts_with(&format!("LC {number}: ")) => {
                told.insert(number);
            }
            _ => problems.push(format!("{name}: its title {title:?} has another number")),
        }
    }
    for (subject, proof) in exceptions() {
        if let Ok(number) = subject.parse() {
            told.insert(number);
            problems.extend(missing(&proof));
        }
    }
    let untold = (1..=LAST_NUMBER).filter(|number| !told.contains(number));
    problems.extend(
        untold.map(|number| format!("LC {number}: no scenario, and no line in coverage.txt")),
    );
    problems
}

/// A line of `coverage.txt` for each, and a proof that exists.
fn subjects(lines: &[(String, String)]) -> Vec<String> {
    let wanted = SUBJECTS
        .iter()
        .flat_map(|(kind, count)| (1..=*count).map(move |number| (*kind, number)));
    let mut problems = Vec::new();
    for (kind, number) in wanted {
        let subject = format!("{kind}{number}");
        let mut proofs = lines
            .iter()
            .filter(|(told, _)| *told == subject)
            .map(|(_, proof)| proof)
            .peekable();
        if proofs.peek().is_none() {
            problems.push(format!("{subject}: no line in coverage.txt"));
        }
        for proof in proofs {
            problems.extend(missing(proof));
            let carried = format!("{}_", subject.to_lowercase());
            if IN_NAMES.contains(&kind) && !proof.contains(&carried) {
                problems.push(format!("{subject}: {proof} does not have its number"));
            }
        }
    }
    let known = |subject: &str| {
        let numbered = SUBJECTS.iter().any(|(kind, count)| {
            let number: Option<u32> = subject.strip_prefix(kind).and_then(|it| it.parse().ok());
            number.is_some_and(|number| (1..=*count).contains(&number))
        });
        numbered
            || subject == "plain"
            || subject.starts_with("guard ")
            || subject.parse::<u32>().is_ok()
    };
    let strangers = lines.iter().filter(|(subject, _)| !known(subject));
    problems.extend(strangers.map(|(subject, _)| format!("{subject}: coverage.txt knows more")));
    problems
}

/// What `coverage.txt` says: a subject, and what proves it.
type Lines = Vec<(String, String)>;

/// These checks can fail: without a line, with a test that is none, with one of another number.
fn missing_is_noticed() -> Vec<String> {
    let change = |what: &str, change: &dyn Fn(&mut Lines)| {
        let mut lines = exceptions();
        change(&mut lines);
        let unnoticed = subjects(&lines).is_empty();
        unnoticed.then(|| format!("{what}: nobody notices"))
    };
    let renamed = |name: &'static str| {
        move |lines: &mut Lines| {
            for (_, proof) in lines.iter_mut().filter(|(subject, _)| subject == "H7") {
                name.clone_into(proof);
            }
        }
    };
    [
        change("no line", &|lines| {
            lines.retain(|(subject, _)| subject != "R10");
        }),
        change("no such file", &renamed("tests/h7_gone.rs::h7_gone")),
        change(
            "no such test",
            &renamed("crates/retention/tests/generation_two.rs::h7_gone"),
        ),
        change(
            "another number",
            &renamed("tests/engine/running.rs::h5_a_counter_that_went_back_protects"),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Files beside the scenarios that nobody plays.
fn strays() -> Vec<String> {
    let directories = ["lifecycle", "guards"].map(|name| root().join("tests/scenarios").join(name));
    let entries = directories.iter().flat_map(|directory| {
        let entries = std::fs::read_dir(directory).expect("the directory can be read");
        entries.map(|entry| entry.expect("the directory can be read").path())
    });
    entries
        .filter(|path| {
            path.extension()
                .is_none_or(|extension| extension != "scenario")
        })
        .map(|path| format!("{}: nobody plays it", path.display()))
        .collect()
}

/// In a guard's own file no other guard speaks, and what it kept goes once its cause is gone.
fn guards(files: &[PathBuf]) -> Vec<String> {
    let exceptions = exceptions();
    let mut problems = Vec::new();
    for guard in Guard::ALL {
        let excused = exceptions
            .iter()
            .any(|(subject, _)| *subject == format!("guard {guard}"));
        let name = format!("guard-{guard}");
        let file = files.iter().find(|file| stem(file) == name);
        let Some(file) = file else {
            if !excused {
                problems.push(format!(
                    "guard {guard}: no {name}.scenario, and no line in coverage.txt"
                ));
            }
            continue;
        };
        let text = head(file);
        let spoken: BTreeSet<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("  | ")?.split_once("  protected: "))
            .filter_map(|(_, rest)| Some(rest.split_once(':')?.0))
            .collect();
        if spoken != BTreeSet::from([guard.as_str()]) {
            problems.push(format!("{name}: these guards speak: {spoken:?}"));
        }
        if !excused && !text.contains("\ngoes: ") {
            problems.push(format!("{name}: nothing goes once the cause is gone"));
        }
    }
    problems
}

/// `docs/safety.md`: a section for each promise and guard, with what it protects, what taught it, and a proof that exists.
fn safety() -> Vec<String> {
    let text = std::fs::read_to_string(root().join("docs/safety.md")).expect("docs/safety.md");
    let mut problems = Vec::new();
    let sections: Vec<(&str, &str)> = text
        .split("\n### ")
        .skip(1)
        .filter_map(|section| section.split_once('\n'))
        .collect();
    let headings: Vec<&str> = sections
        .iter()
        .map(|(heading, _)| heading.split(' ').next().unwrap_or_default())
        .collect();
    let wanted: Vec<&str> = PROMISES
        .into_iter()
        .chain(Guard::ALL.iter().map(|guard| guard.as_str()))
        .collect();
    if headings != wanted {
        problems.push(format!(
            "the sections are {headings:?}, and should be {wanted:?}"
        ));
    }
    for (heading, section) in sections {
        for part in ["**Protects** ", "**Taught by** ", "**Proof:** "] {
            if !section.contains(part) {
                problems.push(format!("{heading}: no {part:?}"));
            }
        }
        let proof = section.split("**Proof:** ").nth(1).unwrap_or_default();
        let proof = proof.split("\n\n").next().unwrap_or_default();
        let proofs: Vec<&str> = proof.split('`').skip(1).step_by(2).collect();
        if proofs.is_empty() {
            problems.push(format!("{heading}: its proof names nothing"));
        }
        problems.extend(proofs.into_iter().filter_map(missing));
    }
    problems
}

/// Why a proof, `path::test` or a path, is none. A reason that begins with `open: ` is a promise to come; what holds by
/// construction needs no test.
fn missing(proof: &str) -> Option<String> {
    if proof.starts_with("open: ") || proof.starts_with("by construction: ") {
        return None;
    }
    let (path, test) = match proof.split_once("::") {
        Some((path, test)) => (path, Some(test)),
        None => (proof, None),
    };
    let Ok(source) = std::fs::read_to_string(root().join(path)) else {
        return Some(format!("{proof}: there is no {path}"));
    };
    let exists = test.is_none_or(|test| {
        source.contains(&format!("fn {test}(")) || source.contains(&format!("#[case::{test}("))
    });
    (!exists).then(|| format!("{proof}: there is no such test"))
}

/// The lines of `coverage.txt`: what they are about, and what they say.
fn exceptions() -> Lines {
    let path = root().join("tests/scenarios/coverage.txt");
    let text = std::fs::read_to_string(path).expect("coverage.txt");
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .filter_map(|line| {
            let words = if line.starts_with("guard ") { 2 } else { 1 };
            let split: Vec<&str> = line.splitn(words + 1, ' ').collect();
            let (subject, rest) = split.split_at_checked(words)?;
            Some((subject.join(" "), rest.join(" ")))
        })
        .collect()
}

fn head(file: &Path) -> String {
    std::fs::read_to_string(file).expect("the file can be read")
}

fn stem(file: &Path) -> String {
    file.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
