//! The model against processes: replicas of the release binary behind a balancer, and API servers that ask.
//!
//! | room | holds |
//! |---|---|
//! | `measure` | what a review and a handshake cost a replica |
//! | `drive` | the same cluster, as processes and as the model has it |
//! | `replica` | a process |
//! | `balancer` | what kube-proxy does |
//! | `pool`, `connection` | the client of an API server |

mod balancer;
mod connection;
mod drive;
mod measure;
mod pool;
mod replica;

pub(crate) use drive::compare;
pub(crate) use measure::measure;

/// An image that the policy of the check admits.
const IMAGE: &str = "docker.io/library/nginx:1.27";
