//! The operator as a process against a real API server, with the rights and arguments that the chart gives it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

mod adopt;
mod approval;
mod bucket;
mod bucket_azure;
mod bucket_gcs;
mod cancel;
mod crash;
mod definitions;
mod deleted;
mod deleting;
mod doubt;
mod evidence;
mod forgotten;
mod former;
mod garbage;
mod hundred_policies;
mod inventory;
mod kinds;
mod kubectl;
mod lease;
mod left;
mod older;
mod outage;
mod permission;
mod pins;
mod policy;
mod prometheus;
mod rights;
mod scopes;
mod selected;
mod session;
mod storage;
mod telemetry;
mod two_clusters;
mod volume;
mod worker;
