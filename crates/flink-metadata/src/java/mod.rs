//! A generic reader of Java Object Serialization streams: no class is loaded, fields are found by name.
//!
//! The stream format is "Java Object Serialization Specification", chapter 6. Every object is read to its end, so a
//! stream that was cut anywhere is an error.

mod object;
mod reader;

pub(crate) use object::{Graph, Node, Object, Value};
pub(crate) use reader::read_all;

#[cfg(test)]
mod tests;
