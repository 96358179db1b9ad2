//! The `imagegate` binary.

use std::process::ExitCode;

/// glibc keeps most of what a burst of small allocations took: 55 MiB after the attacks of
/// `tests/wire/siege_together.rs`, where this keeps 10. It also serves builds for musl.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    imagegate::cli::main()
}
