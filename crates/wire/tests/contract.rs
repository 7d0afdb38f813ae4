//! Over the wire a store keeps every rule of the port.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

mod support;

use support::Wired;

storage::contract_tests!(Wired::new());
storage::file_system_contract_tests!(Wired::new());
