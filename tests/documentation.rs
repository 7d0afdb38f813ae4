//! The documentation is whole: nothing that people meet is missing, every link leads somewhere, and every command and manifest
//! that it shows is one that works.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

// Not all of what the tests of the chart need.
#[allow(dead_code)]
#[path = "chart/exported.rs"]
mod exported;
#[path = "chart/words.rs"]
mod words;

#[path = "documentation/book.rs"]
mod book;
#[path = "documentation/commands.rs"]
mod commands;
#[path = "documentation/fences.rs"]
mod fences;
#[path = "documentation/links.rs"]
mod links;
#[path = "documentation/manifests.rs"]
mod manifests;
#[path = "documentation/pages.rs"]
mod pages;
#[path = "documentation/shell.rs"]
mod shell;
#[path = "documentation/spans.rs"]
mod spans;
