//! The pure core: from evidence, an inventory of storage, a policy and marks to a plan, and from a plan and fresh
//! evidence to a batch that may be deleted. No clock, no randomness, no client: everything is passed in.
//!
//! ```text
//! evidence  +  inventory  +  policy  +  marks  +  now   ->   plan   ->   (fresh evidence)   ->   verified batch
//! ```

pub mod approval;
pub mod batch;
pub mod breaker;
pub mod evidence;
pub mod guard;
pub mod inventory;
pub mod keep;
pub mod layout;
pub mod location;
pub mod mark;
pub mod owner;
pub mod plan;
pub mod policy;
pub mod reference;
pub mod restorable;
pub mod run;
