use std::fs::File;
use std::io::Read;

use super::Error;

const SOURCE: &str = "/dev/urandom";

/// Bytes that another user of the machine cannot guess.
pub(super) fn bytes<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    File::open(SOURCE)
        .and_then(|mut source| source.read_exact(&mut bytes))
        .map_err(Error::io("read", SOURCE))?;
    Ok(bytes)
}
