//! What sentences call by name, between backticks, is there: commands, flags and metrics.

use std::collections::BTreeSet;

use super::exported::vocabulary;
use super::fences::shell;
use super::pages::{Page, pages};

/// Of the simulation.
const FLAGS_OF_OTHERS: [&str; 1] = ["--recall"];

/// Every span of every page for which there is something wrong to say.
fn assert_none(trouble: impl Fn(&str) -> Option<String>) {
    let of = |page: &Page| -> Vec<String> {
        let spans = page.code_spans();
        let found = spans.iter().filter_map(|span| trouble(span));
        found.map(|why| format!("{}: {why}", page.path)).collect()
    };
    let wrong: Vec<String> = pages().iter().flat_map(of).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_command_in_a_sentence_is_one_that_works() {
    assert_none(|span| {
        let left_out = span.contains("...") || span.contains('…');
        // Named is not called: its arguments are what the sentence is not about.
        let is_call = span.starts_with("flink-retention ") && span.split(' ').count() > 2;
        let trouble = if is_call && !left_out {
            shell(span)
        } else {
            Vec::new()
        };
        (!trouble.is_empty()).then(|| format!("`{span}`: {}", trouble.join(" ")))
    });
}

#[test]
fn every_flag_in_a_sentence_is_one_of_ours() {
    let program = flink_retention::cli::command();
    let commands = program.get_subcommands();
    let commands =
        commands.flat_map(|command| std::iter::once(command).chain(command.get_subcommands()));
    let commands = commands.flat_map(clap::Command::get_arguments);
    let flags: BTreeSet<&str> = commands.filter_map(clap::Arg::get_long).collect();
    assert!(flags.len() > 50, "{flags:?}");
    assert_none(|span| {
        let flag = span
            .split([' ', '='])
            .next()
            .filter(|word| word.starts_with("--"))?;
        let known =
            flags.contains(&flag[2..]) || FLAGS_OF_OTHERS.contains(&flag) || flag == "--help";
        (!known).then(|| format!("no command has {flag}"))
    });
}

#[test]
fn every_metric_in_a_sentence_is_exported() {
    let vocabulary = vocabulary();
    assert_none(|span| {
        let name = span
            .split(['{', ' ', '='])
            .next()
            .filter(|name| name.starts_with("flink_retention_"))?;
        let histogram = format!("{name}_count");
        let is_prefix = name.ends_with('_');
        let known = is_prefix
            || [name, &histogram]
                .iter()
                .any(|name| vocabulary.contains_key(*name));
        (!known).then(|| format!("the operator exports no {name}"))
    });
}
