#![no_main]

use fuzz::{Memory, boundaries, bounded, memory};

#[global_allocator]
static MEMORY: Memory = memory();

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bounded(&MEMORY, bytes, boundaries::rest_answers));
