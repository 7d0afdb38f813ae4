#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod agreement;
mod crash;
mod forbidden;
mod late;
mod names;
mod roots;

use crate::contract::volume::Volume;

crate::contract_tests!(Volume::new());
crate::file_system_contract_tests!(Volume::new());
