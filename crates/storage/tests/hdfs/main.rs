//! The contract on a real Hadoop file system, and what only HDFS has.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code"
)]

mod contents;
mod fixture;
mod nameservice;
mod outages;
mod rules;

use fixture::Hdfs;

storage::contract_tests!(Hdfs::new());
storage::contract_tests!(@each Hdfs::new(),
    directories: [empty_directories_are_seen_and_can_go, a_directory_with_anything_in_it_stays,
        a_directory_is_not_a_file, a_file_is_not_a_directory, a_missing_directory_is_an_error,
        a_directory_removed_while_it_is_listed_is_an_error]
    links: [a_link_is_only_a_link, nothing_goes_through_a_link, a_directory_replaced_by_a_link_is_not_followed,
        a_cycle_ends]
);
