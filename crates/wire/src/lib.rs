//! The [storage port](storage::Storage) over a connection that the other side dials.
//!
//! A *worker* runs where the storage can be reached: in the tenant's namespace, with the tenant's volumes and accounts. It
//! dials the operator and proves with a token who it is; then the roles change, and on the same connection the
//! operator asks and the worker answers. For the rest of the program its roots are [`RemoteStorage`]. The README of this
//! crate says what each side promises, and what a cut network means for each call.

mod accept;
mod connection;
mod convert;
mod dial;
mod error;
mod fence;
mod limits;
mod message;
mod remote;
mod trust;
mod upgrade;
mod worker;

pub use accept::{Accepted, Refused, accept};
pub use connection::Connection;
pub use dial::{DialError, dial};
pub use error::WireError;
pub use fence::{Access, Fence, Term};
pub use hyper::upgrade::Upgraded;
pub use remote::RemoteStorage;
pub use trust::{OperatorCertificate, TrustError, trusting_only};
pub use worker::{Root, Worker};

/// Which messages these are. Both sides are one image, so no other version is spoken; it is raised with every change of a
/// message.
pub const PROTOCOL: u32 = 1;
