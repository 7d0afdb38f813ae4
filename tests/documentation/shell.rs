//! The commands of a block of shell, word by word. Only what people write in documentation, not all of what a shell takes.

/// One command, without what its output is piped into or written to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ShellCommand {
    pub(crate) words: Vec<String>,
}

/// Every command of the text: those of a pipe and of `$(...)`, too.
pub(crate) fn commands(text: &str) -> Vec<ShellCommand> {
    let mut commands = Vec::new();
    // A line that ends in `\` goes on.
    for line in text.replace("\\\n", " ").lines() {
        of_line(line, &mut commands);
    }
    commands
}

fn of_line(line: &str, commands: &mut Vec<ShellCommand>) {
    let mut words: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = line.chars().peekable();
    let end = |word: &mut Option<String>, words: &mut Vec<String>| words.extend(word.take());
    while let Some(c) = rest.next() {
        match c {
            '\'' | '"' => {
                let text: String = rest.by_ref().take_while(|inner| *inner != c).collect();
                word.get_or_insert_default().push_str(&text);
            }
            '$' if rest.peek() == Some(&'(') => {
                rest.next();
                let inner: String = rest.by_ref().take_while(|inner| *inner != ')').collect();
                of_line(&inner, commands);
                word.get_or_insert_default().push_str("VALUE");
            }
            '#' if word.is_none() => break,
            '|' | '&' | ';' => {
                end(&mut word, &mut words);
                close(&mut words, commands);
            }
            c if c.is_whitespace() => end(&mut word, &mut words),
            c => word.get_or_insert_default().push(c),
        }
    }
    end(&mut word, &mut words);
    close(&mut words, commands);
}

fn close(words: &mut Vec<String>, commands: &mut Vec<ShellCommand>) {
    let mut words = std::mem::take(words);
    // What goes to a file is no argument.
    if let Some(position) = words.iter().position(|word| word.starts_with(['>', '<'])) {
        words.truncate(position);
    }
    // Settings before the command are for it alone.
    let is_setting = |word: &String| {
        let name = word.split_once('=').map(|(name, _)| name);
        name.is_some_and(|name| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_')
        })
    };
    while words.first().is_some_and(is_setting) {
        words.remove(0);
    }
    if !words.is_empty() {
        commands.push(ShellCommand { words });
    }
}

#[test]
fn commands_are_read_as_a_shell_does() {
    let text = "# a comment\nKEEP=1 make demo  # and why\na 'b c' \"d e\" \\\n  f && g | h > out\nx --y=$(p q) z\n";
    let found: Vec<Vec<String>> = commands(text)
        .into_iter()
        .map(|command| command.words)
        .collect();
    let expected: [&[&str]; 6] = [
        &["make", "demo"],
        &["a", "b c", "d e", "f"],
        &["g"],
        &["h"],
        &["p", "q"],
        &["x", "--y=VALUE", "z"],
    ];
    assert_eq!(found, expected);
}
