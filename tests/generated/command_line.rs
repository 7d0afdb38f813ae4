//! Every command and flag, as the parser of the command line knows it.

use std::fmt::Write;

use clap::builder::ValueRange;
use clap::{Arg, Command};

use super::text::{cell, sentence};

const HEAD: &str = "\
# Command line

<!-- Made from the code by `make generate`. -->

One binary is both: the commands below work in a shell, on directories that it can reach, and `flink-retention operator` works in a cluster (the chart gives it its flags). `--help` behind
a command says the same as this page.

| exit code | means |
|---|---|
| 0 | done, and all is well |
| 1 | failed; one line on stderr says what, where and what to do |
| 2 | the command line makes no sense |
| 3 | done, and there is something to look at, such as a job that cannot be restored |
";

pub(crate) fn page() -> String {
    let mut program = flink_retention::cli::command();
    program.build();
    let mut page = HEAD.to_owned();
    for command in commands(&program) {
        section(command.get_name(), command, &mut page);
        for inner in commands(command) {
            let name = format!("{} {}", command.get_name(), inner.get_name());
            section(&name, inner, &mut page);
        }
    }
    page
}

fn commands(command: &Command) -> impl Iterator<Item = &Command> {
    let commands = command.get_subcommands();
    commands.filter(|command| command.get_name() != "help")
}

fn section(name: &str, command: &Command, page: &mut String) {
    let about = command.get_long_about().or(command.get_about());
    let about = about.unwrap_or_else(|| panic!("{} says nothing of itself", command.get_name()));
    writeln!(page, "\n## {name}\n\n{}", paragraphs(&about.to_string())).unwrap();
    if command.is_hide_set() {
        writeln!(
            page,
            "Nobody runs it by hand: [the operator does](../worker.md), in a Job."
        )
        .unwrap();
    }
    let (positionals, flags): (Vec<&Arg>, Vec<&Arg>) = command
        .get_arguments()
        .filter(|argument| !["help", "version"].contains(&argument.get_id().as_str()))
        // What belongs to several is told of the one above them.
        .filter(|argument| !argument.is_global_set() || command.has_subcommands())
        .partition(|argument| argument.is_positional());
    writeln!(
        page,
        "\n```text\n{}\n```\n",
        usage(name, command, &positionals)
    )
    .unwrap();
    if positionals.is_empty() && flags.is_empty() {
        return;
    }
    writeln!(page, "| argument | default | meaning |\n|---|---|---|").unwrap();
    for argument in positionals.into_iter().chain(flags) {
        writeln!(page, "{}", row(command, argument)).unwrap();
    }
}

fn paragraphs(text: &str) -> String {
    let paragraphs = text.split("\n\n");
    paragraphs
        .map(|paragraph| sentence(&cell(paragraph)))
        .collect::<Vec<_>>()
        .join(" ")
}

fn usage(name: &str, command: &Command, positionals: &[&Arg]) -> String {
    let mut usage = format!("flink-retention {name} [OPTIONS]");
    if command.has_subcommands() {
        usage.push_str(" COMMAND");
    }
    for positional in positionals {
        let name = values(positional);
        let name = if positional.is_required_set() {
            name
        } else {
            format!("[{name}]")
        };
        let many = if takes_many(positional) { "..." } else { "" };
        write!(usage, " {name}{many}").unwrap();
    }
    usage
}

fn row(command: &Command, argument: &Arg) -> String {
    let name = match argument.get_long() {
        Some(long) if argument.get_action().takes_values() => {
            format!("--{long} {}", values(argument))
        }
        Some(long) => format!("--{long}"),
        None => values(argument),
    };
    let defaults = argument.get_default_values().iter();
    let defaults: Vec<String> = defaults
        .map(|value| format!("`{}`", value.to_string_lossy()))
        .collect();
    let shown = argument.get_action().takes_values();
    let help = argument.get_long_help().or(argument.get_help());
    let help =
        help.unwrap_or_else(|| panic!("{} {name} says nothing of itself", command.get_name()));
    let mut meaning = paragraphs(&help.to_string());
    let possible = argument.get_possible_values();
    let possible = possible
        .iter()
        .filter(|value| shown && !value.is_hide_set());
    let words: Vec<String> = possible
        .map(|value| match value.get_help() {
            Some(help) => format!("`{}`: {}", value.get_name(), cell(&help.to_string())),
            None => format!("`{}`", value.get_name()),
        })
        .collect();
    if !words.is_empty() {
        write!(meaning, " One of {}.", words.join("; ")).unwrap();
    }
    if let Some(variable) = argument.get_env() {
        write!(meaning, " Environment: `{}`.", variable.to_string_lossy()).unwrap();
    }
    let defaults = if shown {
        defaults.join(", ")
    } else {
        String::new()
    };
    let name = name.replace('|', "\\|");
    format!("| `{name}` | {defaults} | {meaning} |")
}

fn values(argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default();
    names
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ")
}

fn takes_many(argument: &Arg) -> bool {
    let one = ValueRange::new(1);
    argument
        .get_num_args()
        .is_some_and(|range| range != one && range.max_values() > 1)
}
