//! The four functions that a host calls: it asks for room, writes the request there, has it judged, and reads
//! the answer. The memory that they speak of is exported beside them by the linker.
//!
//! A host calls one at a time. Addresses hold until the next call.
#![cfg_attr(
    target_family = "wasm",
    expect(unsafe_code, reason = "names that the host finds; there is no unsafe block")
)]

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::request;

static EXCHANGE: Mutex<Exchange> = Mutex::new(Exchange { input: Vec::new(), output: Vec::new() });

struct Exchange {
    input: Vec<u8>,
    output: Vec<u8>,
}

/// Room for a request of `len` bytes; null where it is too large, and then there is no request.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub(crate) extern "C" fn input(len: usize) -> *mut u8 {
    let mut exchange = exchange();
    exchange.output = Vec::new();
    exchange.input = Vec::new();
    if len > request::LARGEST {
        return std::ptr::null_mut();
    }
    exchange.input.resize(len, 0);
    exchange.input.as_mut_ptr()
}

/// Judges the request.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub(crate) extern "C" fn judge() {
    let mut exchange = exchange();
    exchange.output = crate::judged(&std::mem::take(&mut exchange.input));
}

/// Where the answer begins.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub(crate) extern "C" fn output() -> *const u8 {
    exchange().output.as_ptr()
}

/// How many bytes the answer has.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub(crate) extern "C" fn output_len() -> usize {
    exchange().output.len()
}

fn exchange() -> MutexGuard<'static, Exchange> {
    EXCHANGE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{exchange, input, judge, output, output_len};
    use crate::request::LARGEST;

    #[test]
    fn a_request_is_written_judged_and_read() {
        // One test, since there is one exchange.
        let request = br#"{"manifest": "docker.io/library/nginx:1.27", "now": 0}"#;
        assert!(!input(request.len()).is_null());
        exchange().input.copy_from_slice(request);
        judge();
        let (address, length) = (output(), output_len());
        let answer = exchange().output.clone();
        assert_eq!(answer, crate::judged(request));
        assert_eq!((address, length), (exchange().output.as_ptr(), answer.len()));
        assert!(input(LARGEST + 1).is_null());
        assert_eq!(output_len(), 0);
        judge();
        assert!(exchange().output.starts_with(b"{\"fault\":"));
    }
}
