//! Tags that move: what they name today is not what they named yesterday, so that nobody can say
//! what runs. Those that nobody uses can be blocked at no price.

/// Tags by which people mean "the newest of some kind", the two that are blocked by default first.
pub(super) const MOVING: [&str; 18] = [
    "latest", "staging", "alpha", "beta", "canary", "dev", "develop", "devel", "edge", "head",
    "main", "master", "mainline", "nightly", "snapshot", "test", "trunk", "unstable",
];

/// Of those, the ones that a policy blocks by default.
pub(super) const BY_DEFAULT: usize = 2;
