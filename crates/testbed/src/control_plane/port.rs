use std::net::{Ipv4Addr, TcpListener};

use super::{Error, random};

/// Below the ports that the kernel hands to outgoing connections (from 32768 on Linux): nothing takes the port of a
/// server between its stop and its restart.
const FIRST: u16 = 18_000;
const COUNT: u16 = 14_000;
const ATTEMPTS: usize = 50;

/// A port of the loopback interface that nobody listens on. Another process may be quicker to use it.
pub(crate) fn free() -> Result<u16, Error> {
    for _ in 0..ATTEMPTS {
        let port = FIRST + u16::from_be_bytes(random::bytes()?) % COUNT;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(Error::NoFreePort)
}
