//! The locks of `buffer-runtime` under loom: the locks' own sources, compiled with loom's atomics instead of the
//! standard library's, and models that explore the locks.

#![cfg(test)]

/// An inline module, so that the compiler finds the files at the paths that they have in the runtime.
#[path = "../../../buffer-runtime/src"]
#[allow(dead_code, unreachable_pub, unused_imports, reason = "the models use the two locks and nothing above them")]
mod runtime {
    pub(crate) mod fork;
    pub(crate) mod lock;
}
mod models;

// The sources of the locks refer to these modules as `crate::fork` and `crate::lock`.
use runtime::{fork, lock};
