//! The locks of `buffer-runtime` under loom: their own sources, compiled with loom's atomics instead of the standard
//! library's, and models that explore them.

#![cfg(test)]

/// An inline module, so that the files are looked for as the runtime itself has them.
#[path = "../../../buffer-runtime/src"]
#[allow(dead_code, unreachable_pub, unused_imports, reason = "the models use the two locks and nothing above them")]
mod runtime {
    pub(crate) mod fork;
    pub(crate) mod lock;
}
mod models;

// By the paths that these modules have in the runtime.
use runtime::{fork, lock};
